"""Load one source into one Document."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import UNSET, Raw

from checker.collector import collector_paused
from checker.errors import TfcertError, UnreadableError
from checker.files import is_directory, open_file
from checker.model.address import Address
from checker.model.inventory import Document, OtherWorkspace, Source, SourceKind
from checker.model.resources import Presents
from checker.terraform.decode import PLAN, ZIP, Buffer, JsonPath, decode, members, unwrap
from checker.terraform.records import optional_value, shown_records
from checker.terraform.schema import Envelope, read_envelope
from checker.terraform.stage_writers import notices
from checker.terraform.state import read_records
from checker.terraform.tool import Tool
from checker.terraform.workspaces import DEFAULT, STATE

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.\d{1,6})?", re.ASCII)
_FIRST, _FIRST_UNKNOWN_MAJOR = (0, 1), 2

RAW_STATE = 4


def check_format(version: str, json_path: JsonPath) -> None:
    """Raise UnreadableError unless tfcert reads this `format_version` of a plan or shown state."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise json_path.unreadable(
            "is not a format version such as 1.2", "write the document again with `show -json`"
        )
    major, minor = int(found[1]), int(found[2])
    if major >= _FIRST_UNKNOWN_MAJOR:
        raise json_path.unreadable(
            f"format version {major}.{minor} is newer than this tfcert reads (below "
            f"{_FIRST_UNKNOWN_MAJOR}.0)",
            "upgrade tfcert",
        )
    if (major, minor) < _FIRST:
        raise json_path.unreadable(
            f"format version {major}.{minor} was never written by a released Terraform"
        )


def check_raw_state(version: int, json_path: JsonPath) -> None:
    """Raise UnreadableError unless a raw state has version 4, as Terraform 0.12 and later write."""
    if version > RAW_STATE:
        raise json_path.unreadable(
            f"state version {version} is newer than this tfcert reads ({RAW_STATE})",
            "upgrade tfcert",
        )
    if version < RAW_STATE:
        raise json_path.unreadable(
            f"state version {version} is of Terraform 0.11 or older; version {RAW_STATE} is read",
            "upgrade the state: apply once with Terraform 0.12 or later, then `terraform state "
            "pull`",
        )


Kind = Literal["plan", "raw state", "shown state"]
Top = Mapping[str, Raw]

# The properties of a state without resources. With any other property it is not a clean state.
_EMPTY_STATE = frozenset({"format_version", "terraform_version", "values", "checks"})
_PLAN_ALONE = (
    "planned_values",
    "resource_changes",
    "prior_state",
    "configuration",
    "output_changes",
    "errored",
    "applyable",
)
_STATE_ALONE = ("serial", "lineage", "terraform_version", "modules", "resources")


def recognise(top: Top, json_path: JsonPath) -> Kind:
    """Return a document's kind, by its properties.

    Raises UnreadableError for any other document; it names the kind and the document to pass.
    """
    from_hcp = "plan_format_version" in top
    plan = any(name in top for name in _PLAN_ALONE) and not from_hcp
    if _has(top, "format_version"):
        if plan and "root_module" not in top:
            return "plan"
        if _has(top, "values") or top.keys() <= _EMPTY_STATE:
            return "shown state"
    elif _is_raw_state(top, json_path):
        return "raw state"
    from checker.terraform.other_documents import document_kind

    other = document_kind(top, json_path)
    if (
        other is None
        and plan
        and "format_version" not in top
        and ("planned_values" in top or "resource_changes" in top)
    ):
        return _refuse(
            json_path.key("format_version").unreadable(
                "is missing: something was cut out of this plan", PLAN
            ),
        )
    return _refuse(
        other or json_path.unreadable("is JSON, but neither a Terraform plan nor a state", PLAN)
    )


def _refuse(error: UnreadableError) -> Kind:
    raise error


def _has(top: Top, name: str) -> bool:
    return name in top and optional_value(top[name]) is not None


def _is_raw_state(top: Top, json_path: JsonPath) -> bool:
    """Return whether it is a stored Terraform state of any version, not a pointer to one."""
    try:
        version = decode(top["version"], int, json_path) if "version" in top else None
    except UnreadableError:
        # The other properties identify a state of a wrong version; the reader then refuses it.
        return {"lineage", "resources"} <= top.keys()
    if version is None or not any(name in top for name in _STATE_ALONE):
        return False
    if version < RAW_STATE:
        if not any(name in top for name in ("modules", "serial", "lineage")):
            return False
        pointer = any(_has(top, name) for name in ("backend", "remote", "state_store"))
        return not pointer or ("modules" in top and _has_resources(top["modules"], json_path))
    return _has(top, "resources") or ("lineage" in top and not _has(top, "backend"))


def _has_resources(modules: Raw, json_path: JsonPath) -> bool:
    try:
        found = decode(modules, list[dict[str, Raw]], json_path.key("modules"))
        return any(
            decode(module["resources"], dict[str, Raw], json_path)
            for module in found
            if "resources" in module
        )
    except UnreadableError:
        return True


def read_document(
    path: str,
    data: Buffer,
    *,
    kind: SourceKind | None = None,
    tags: Collection[str] = (),
    consumers: Mapping[Address, frozenset[str]] | None = None,
) -> Document:
    """Read a plan or a state from plain UTF-8 JSON.

    `consumers` are the attributes that take a PEM, by block; only fingerprints are kept of them.
    """
    found = _read_document(path, data, kind, tags)
    if not consumers:
        return found
    # Imported here: only a rotation that is under way needs it.
    from checker.terraform.consumers.recorded import with_consumers

    with collector_paused():
        return with_consumers(found, data, consumers)


def _read_document(
    path: str, data: Buffer, kind: SourceKind | None, tags: Collection[str]
) -> Document:
    """Read a plan or a state from plain UTF-8 JSON.

    `path` names it in the result and in errors. `kind` overrides the kind of the source, for the
    state of a directory. Only the tags in `tags` are kept. Raises UnreadableError for any other
    document.
    """
    json_path = JsonPath(path)
    with collector_paused():
        try:
            top = members(data, json_path)
        except UnreadableError as error:
            from checker.terraform.other_documents import recognise_other

            raise recognise_other(data, json_path) or error from error
        match recognise(top, json_path):
            case "plan":
                from checker.terraform.plan import read_plan

                found = read_envelope(top, json_path)
                _check_format(found, json_path)
                return read_plan(found, top, _source(found, path, kind or "plan"), json_path, tags)
            case "shown state":
                found = read_envelope(top, json_path)
                _check_format(found, json_path)
                records = shown_records(found.values, json_path.key("values"))
            case "raw state":
                from checker.terraform.records import raw_records

                check_raw_state(
                    decode(top["version"], int, json_path.key("version")), json_path.key("version")
                )
                found = read_envelope(top, json_path)
                records = raw_records(
                    found.resources or (), json_path.key("resources"), top.get("resources")
                )
        recorded = read_records(records, tags)
        return Document(
            source=_source(found, path, kind or "state"),
            stages=recorded.stages,
            certificates=recorded.certificates,
            material=recorded.material,
            notices=(*recorded.notices, *notices(records)),
        )


def _check_format(found: Envelope, json_path: JsonPath) -> None:
    check_format(found.format_version or "", json_path.key("format_version"))


def _source(found: Envelope, path: str, kind: SourceKind) -> Source:
    raw = None if found.version is UNSET else str(found.version)
    return Source(
        path=path,
        kind=kind,
        tool_version=found.terraform_version,
        format_version=found.format_version or raw,
    )


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
    consumers: Mapping[Address, frozenset[str]] | None = None,
) -> Document:
    """Read a source of any kind.

    `configuration` is the directory that a binary plan belongs to (default: the directory of the
    plan). `fetch` returns the bytes of an `s3://bucket/key`. `offline` starts no tool that would
    contact a backend. Only the tags in `tags` are kept. `consumers` are as for
    `read_document`. Raises UnreadableError with the source's
    name in `where`.
    """
    if source == STDIN:
        data: Buffer = unwrap(stdin(), JsonPath(source))
        if _is_zip(data):
            raise _binary_plan("is a binary plan on standard input", source)
        return read_document(source, data, tags=tags, consumers=consumers)
    if source.startswith(_BUCKET):
        data = unwrap(_fetched(source, fetch), JsonPath(source))
        if _is_zip(data):
            raise _binary_plan("is a binary plan in a bucket", source)
        return read_document(source, data, tags=tags, consumers=consumers)
    if is_directory(source):
        from checker.terraform.directories import pull_state

        pulled = pull_state(source, tool, offline=offline)
        with _printed_by(tool, "state pull"):
            return read_document(
                source,
                unwrap(pulled, JsonPath(source)),
                kind="directory",
                tags=tags,
                consumers=consumers,
            )
    found = open_file(source)
    data = unwrap(found, JsonPath(source))
    if _is_zip(data):
        if not _is_zip(found):
            raise _binary_plan("is a binary plan that is compressed once more", source)
        from checker.terraform.directories import show_plan

        shown = show_plan(source, data, tool, configuration)
        with _printed_by(tool, "show -json"):
            return read_document(
                source, unwrap(shown, JsonPath(source)), tags=tags, consumers=consumers
            )
    return read_document(source, data, tags=tags, consumers=consumers)


@contextmanager
def _printed_by(tool: Tool | None, arguments: str) -> Iterator[None]:
    """Add the command to an error about a document that is not in a file."""
    try:
        yield
    except UnreadableError as error:
        if tool is None:
            raise
        message = f"what `{tool.name} {arguments}` prints there (by {tool.path}) {error.message}"
        another = (
            f"; or name the terraform or tofu that prints nothing else with --tool, if "
            f"{tool.path} is a wrapper around it"
        )
        raise UnreadableError(
            message,
            where=error.where,
            remedy=f"{error.remedy or 'run it yourself, and pass the file'}{another}",
        ) from error


def _is_zip(data: Buffer) -> bool:
    return bytes(data[: len(ZIP)]) == ZIP


def _binary_plan(message: str, source: str) -> UnreadableError:
    remedy = (
        "pass it as a file of its own, so that the tool that made it can read it, or what "
        "`terraform show -json` prints of it"
    )
    return UnreadableError(message, where=source, remedy=remedy)


def _fetched(source: str, fetch: Callable[[str], bytes] | None) -> bytes:
    if fetch is None:
        raise UnreadableError(
            "objects in S3 are not read directly",
            where=source,
            remedy=f"`aws s3 cp {source} - | tfcert check -`, or pass the directory that "
            "uses this backend",
        )
    return fetch(source)


_MOST = 50


def other_workspaces(document: Document, source: str, directory: str) -> tuple[OtherWorkspace, ...]:
    """Return the other workspaces of a configuration whose states are in its folder.

    Only a folder with a `terraform.tfstate.d` has them. The state of the default workspace counts
    where the document belongs to another workspace. A state that cannot be read has the reason.
    """
    folder = Path(directory) / f"{STATE}.d"
    if not folder.is_dir():
        return ()
    default = Path(directory) / STATE
    paths = sorted(folder.glob(f"*/{STATE}"))
    named = [(path.parent.name, path) for path in paths[:_MOST]]
    if document.workspace not in {None, DEFAULT} and default.is_file():
        named.append((DEFAULT, default))
    others = [
        _read(name, path)
        for name, path in named
        if name != document.workspace and path.resolve() != Path(source).resolve()
    ]
    if len(paths) > _MOST:
        more = f"{len(paths) - _MOST} more"
        others.append(
            OtherWorkspace(
                name=more, path=str(folder), unread=f"only the first {_MOST} states are read"
            )
        )
    return tuple(others)


def _read(name: str, path: Path) -> OtherWorkspace:
    from checker.files import open_file
    from checker.terraform.decode import JsonPath, unwrap

    try:
        other = read_document(str(path), unwrap(open_file(str(path)), JsonPath(str(path))))
    except TfcertError as error:
        return OtherWorkspace(name=name, path=str(path), unread=error.message)
    blocks = {
        each.id: each.address.block
        for each in other.certificates
        if each.id is not None and each.address is not None
    }
    shown = {stage.presents.id for stage in other.stages if isinstance(stage.presents, Presents)}
    presented = frozenset(block for identity, block in blocks.items() if identity in shown)
    return OtherWorkspace(name=name, path=str(path), presented=presented)
