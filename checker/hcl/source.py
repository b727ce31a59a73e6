"""One .tf file as bytes, with the offsets and line ends that an edit must respect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from checker.domain.errors import UnreadableError
from checker.hcl.syntax import Body, parse_body

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file cannot be parsed, and the line, counted from 1, where that shows."""

    reason: str
    line: int
    remedy: str


@dataclass(frozen=True)
class SourceFile:
    """The text of a .tf file.

    `path` is relative to the root module's directory, with forward slashes. The text must be UTF-8 (Terraform refuses anything
    else, `facts/formats.md` 5); a byte-order mark and the line ends are kept as they are.
    """

    path: str
    data: bytes

    @cached_property
    def body(self) -> Body:
        """The blocks of the file; parsed when first asked for.

        Raises UnreadableError with the line where it stops being HCL.
        """
        match self._parsed:
            case Fault(reason=reason, line=line, remedy=remedy):
                raise UnreadableError(reason, where=f"{self.path}:{line}", remedy=remedy)
            case body:
                return body

    @property
    def fault(self) -> Fault | None:
        """Why the file cannot be parsed; None for one that can."""
        return self._parsed if isinstance(self._parsed, Fault) else None

    @cached_property
    def _parsed(self) -> Body | Fault:
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            return Fault("not UTF-8 text", self.line(error.start), "save the file as UTF-8; Terraform reads nothing else")
        # Blanks of the same length stand for the mark: every offset stays what it is in the file.
        text = b"   " + self.data[3:] if self.data.startswith(_BOM) else self.data
        try:
            body, broken = parse_body(text)
        except RecursionError:
            return Fault("blocks are nested too deeply", 1, "tfcert reads no such file")
        return body if broken is None else Fault("not valid HCL", self.line(broken), "`terraform validate` says more")

    @property
    def newline(self) -> bytes:
        """The line end of the file's first line; LF where it has none."""
        first = self.data.find(b"\n")
        return b"\r\n" if first > 0 and self.data[first - 1 : first] == b"\r" else b"\n"

    def line(self, offset: int) -> int:
        """The line, counted from 1, that holds a byte offset."""
        return self.data.count(b"\n", 0, offset) + 1

    def line_start(self, offset: int) -> int:
        """The offset of the first byte of the line that holds `offset`."""
        start = self.data.rfind(b"\n", 0, offset) + 1
        return 3 if start == 0 and self.data.startswith(_BOM) and offset >= len(_BOM) else start

    def line_end(self, offset: int) -> int:
        """The offset just behind the line end of the line that holds `offset`, or the file's end."""
        end = self.data.find(b"\n", offset)
        return len(self.data) if end < 0 else end + 1
