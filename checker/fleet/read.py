"""The bytes of one object in, what is kept of it out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from checker.errors import UnreadableError
from checker.fleet.prefilter import has_nothing
from checker.model.inventory import Document, Unread
from checker.terraform.decode import ZIP, Buffer, JsonPath, members, unwrap
from checker.terraform.load import read_document

# A JSON document with one of these is Terraform's or OpenTofu's, even if it cannot be used.
_TRAITS = frozenset(
    {
        "encrypted_data",
        "encryption_version",
        "format_version",
        "lineage",
        "planned_values",
        "prior_state",
        "resource_changes",
        "terraform_version",
    }
)
# The number of a store that is the file system.
FILE = -1
_AGAIN = "read it by itself: `tfcert check` of it says more"


class Item(Struct, frozen=True, array_like=True):
    """One object to read: its name in reports, its size, and whether it must be a state.

    `key` is its name in its store, whose number is `store`; for a file it is the path. `version` is
    what the listing says of its content: the ETag, or times and number of a file; empty if unknown.
    """

    path: str
    key: str
    size: int
    certain: bool
    store: int = FILE
    version: str = ""

    @property
    def is_file(self) -> bool:
        """Return whether it is a file and not an object of a bucket."""
        return self.store == FILE


class BatchRead(Struct, kw_only=True):
    """What is kept of a batch: documents with something of ours, and what could not be read.

    `read` counts the states and plans; `others` are the JSON files that are neither. `changed` are
    the items that were read in another version than the listed one.
    """

    documents: list[Document] = []
    unread: list[Unread] = []
    read: int = 0
    others: list[str] = []
    changed: list[str] = []

    def add(self, more: BatchRead) -> None:
        """Add another batch."""
        self.documents += more.documents
        self.unread += more.unread
        self.read += more.read
        self.others += more.others
        self.changed += more.changed


def read_batch(
    items: Sequence[Item],
    fetch: Callable[[Item], Buffer],
    tags: Collection[str],
    version: Callable[[Item], str] | None = None,
) -> BatchRead:
    """Read a batch; `fetch` returns the bytes of an item, or raises UnreadableError.

    `version` is asked after an item was read for the version that was read.
    """
    result = BatchRead()
    for item in items:
        try:
            found = _read(item, fetch(item), tags)
        except UnreadableError as error:
            result.unread.append(unread_item(item, error))
            continue
        except MemoryError:
            result.unread.append(
                Unread(
                    path=item.path,
                    reason="needs more memory than there is",
                    remedy="run tfcert where there is more",
                )
            )
            continue
        if version is not None and version(item) != item.version:
            result.changed.append(item.path)
        match found:
            case Document():
                result.read += 1
                result.documents.append(found)
            case True:
                result.read += 1
            case False:
                result.others.append(item.path)
    return result


def unread_item(item: Item, error: UnreadableError) -> Unread:
    """Return the entry of an object that could not be read; the JSON path goes into the reason."""
    inside = (error.where or "").removeprefix(item.path).removeprefix(": ")
    within = f"`{inside}` " if inside and inside != error.where else ""
    return Unread(path=item.path, reason=f"{within}{error.message}", remedy=error.remedy or _AGAIN)


def _read(item: Item, data: Buffer, tags: Collection[str]) -> Document | bool:
    """Return the document, True if it has nothing of ours, or False if it is no state or plan."""
    json_path = JsonPath(item.path)
    text = unwrap(data, json_path)
    if has_nothing(text):
        return True
    if bytes(text[: len(ZIP)]) == ZIP:
        raise json_path.unreadable(
            "is a binary plan", "pass what `terraform show -json` prints of it"
        )
    top = None
    if not item.certain:
        if not _is_object(text, json_path):
            return False
        top = members(text, json_path)
    try:
        document = read_document(item.path, text, tags=tags)
    except UnreadableError:
        if top is not None and not _is_terraform(top.keys()):
            return False
        raise
    if item.certain or top is not None:
        _refuse_encrypted(top if top is not None else members(text, json_path), json_path)
    return document if _is_kept(document) else True


def _is_object(text: Buffer, json_path: JsonPath) -> bool:
    """Return whether JSON is an object; raises UnreadableError if it is not JSON."""
    from msgspec import Raw

    from checker.terraform.decode import decode

    whole = decode(text, Raw, json_path)
    return bytes(memoryview(whole)[:1]) == b"{"


def _is_terraform(names: Collection[str]) -> bool:
    return not _TRAITS.isdisjoint(names) or {"version", "resources"} <= set(names)


def _refuse_encrypted(top: Collection[str], json_path: JsonPath) -> None:
    """Raise UnreadableError for a document that is encrypted in part."""
    if "encrypted_data" in top or "encryption_version" in top:
        raise json_path.unreadable(
            "has encrypted data beside plain resources", "pass what `tofu state pull` prints"
        )


def _is_kept(document: Document) -> bool:
    """Return whether a document must take part in the judgement; a plan always does."""
    return bool(
        document.plan is not None or document.stages or document.certificates or document.notices
    )
