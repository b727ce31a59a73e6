"""One source in, one document out: a file, standard input, a directory or an object in a bucket, told apart by content."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from checker.domain.errors import UnreadableError
from checker.domain.inventory import Document
from checker.readers.decoding import Buffer
from checker.readers.documents import read_document
from checker.readers.files import is_directory, open_file
from checker.readers.spot import Spot
from checker.readers.tool import Tool
from checker.readers.unwrapping import ZIP, unwrap

STDIN = "-"
_BUCKET = "s3://"


def read_source(
    source: str,
    *,
    tool: Tool | None,
    stdin: Callable[[], Buffer],
    configuration: str | None = None,
    fetch: Callable[[str], bytes] | None = None,
    tags: Collection[str] = (),
    offline: bool = False,
) -> Document:
    """Read a source, whatever it is.

    `configuration` is the directory that a binary plan belongs to (default: the plan's own). `fetch` gives the bytes of an
    `s3://bucket/key`. `offline` keeps the tool from a backend. Of tags only those asked for (`tags`) are kept.
    Raises UnreadableError with the source's name in `where`.
    """
    if source == STDIN:
        data: Buffer = unwrap(stdin(), Spot(source))
        if _is_zip(data):
            raise _binary_plan("is a binary plan on standard input", source)
        return read_document(source, data, tags=tags)
    if source.startswith(_BUCKET):
        data = unwrap(_fetched(source, fetch), Spot(source))
        if _is_zip(data):
            raise _binary_plan("is a binary plan in a bucket", source)
        return read_document(source, data, tags=tags)
    if is_directory(source):
        from checker.readers.directories import pull_state

        pulled = pull_state(source, tool, offline=offline)
        with _printed_by(tool, "state pull"):
            return read_document(source, unwrap(pulled, Spot(source)), kind="directory", tags=tags)
    found = open_file(source)
    data = unwrap(found, Spot(source))
    if _is_zip(data):
        if not _is_zip(found):
            raise _binary_plan("is a binary plan that is compressed once more", source)
        from checker.readers.binary_plans import show_plan

        shown = show_plan(source, data, tool, configuration)
        with _printed_by(tool, "show -json"):
            return read_document(source, unwrap(shown, Spot(source)), tags=tags)
    return read_document(source, data, tags=tags)


@contextmanager
def _printed_by(tool: Tool | None, arguments: str) -> Iterator[None]:
    """Name the command in the error about a document that no file holds."""
    try:
        yield
    except UnreadableError as error:
        if tool is None:
            raise
        message = f"what `{tool.name} {arguments}` prints there (by {tool.path}) {error.message}"
        another = f"; or name the terraform or tofu that prints nothing else with --tool, if {tool.path} is a wrapper around it"
        raise UnreadableError(
            message, where=error.where, remedy=f"{error.remedy or 'run it yourself, and pass the file'}{another}"
        ) from error


def _is_zip(data: Buffer) -> bool:
    return bytes(data[: len(ZIP)]) == ZIP


def _binary_plan(where_it_lies: str, source: str) -> UnreadableError:
    remedy = "pass it as a file of its own, so that the tool that made it can read it, or what `terraform show -json` prints of it"
    return UnreadableError(where_it_lies, where=source, remedy=remedy)


def _fetched(source: str, fetch: Callable[[str], bytes] | None) -> bytes:
    if fetch is None:
        raise UnreadableError(
            "objects in S3 are not read directly",
            where=source,
            remedy=f"`aws s3 cp {source} - | tfcert check -`, or pass the directory whose backend it is",
        )
    return fetch(source)
