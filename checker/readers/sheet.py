"""A policy file as it was read: its values, and where each of them stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NoReturn

from checker.domain.errors import UsageError
from checker.domain.location import Location
from checker.domain.text_values import Keys, Mismatch
from checker.readers.holding import hold
from checker.readers.policy_shape import POLICY

_MOST_PARTS = 16
# Texts of several lines and of one, comments, and all behind a text that does not end. Source: TOML 1.0, "String" and "Comment".
_TEXTS = re.compile(rb'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|["\'].*', re.DOTALL)


class Sheet:
    """The text of one policy file, held against the shape of a policy; its lines are looked for only when asked."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.values: Mapping[str, Any] = _parsed(path, data)
        try:
            hold(self.values, POLICY, ())
        except Mismatch as error:
            self.refuse(error)

    def refuse(self, error: Mismatch) -> NoReturn:
        """Raise a mismatch as a UsageError that names the file and the line."""
        raise UsageError(error.message, where=str(self.location(error.at)), remedy=error.remedy) from error

    def location(self, at: Keys) -> Location:
        """The line of a key, a table or an entry of an array."""
        from checker.readers.toml_lines import line_of

        return Location(self.path, line_of(self._lines, at))

    @cached_property
    def _lines(self) -> Mapping[Keys, int]:
        from checker.readers.toml_lines import lines

        try:
            return lines(self.data)
        except RecursionError:
            # Tables within tables without end: the file is then named without a line.
            return {}


def _parsed(path: str, data: bytes) -> Mapping[str, Any]:
    import tomllib

    # Python's parser takes time by the square of a key's parts, and no policy has a key of more than five.
    if any(text.count(b".") > _MOST_PARTS for text in _TEXTS.sub(b"", data).split(b"\n")):
        raise UsageError("holds a key of too many parts", where=path, remedy="`tfcert policy show` prints a policy")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError("not UTF-8 text", where=f"{path}:{line}", remedy="save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        message, _, rest = str(error).partition(" (at ")
        named = rest.partition(",")[0].removeprefix("line ")
        # What is missing at the very end is complained of without a line.
        line = int(named) if named.isdigit() else data.rstrip().count(b"\n") + 1
        raise UsageError(f"not TOML: {message}", where=f"{path}:{line}", remedy="mend the policy file") from error
    except (RecursionError, ValueError) as error:
        # Arrays within arrays without end, and numbers of thousands of digits.
        raise UsageError("holds what no policy does", where=path, remedy="`tfcert policy show` prints one") from error
