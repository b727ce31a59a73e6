"""Account ids taken out of documents that strangers may read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from checker.domain.value import value
from checker.reports.document import JsonDocument

_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")


@value
class NamedAccounts:
    """A document under the name by which a table of several tells it; empty where there is but one."""

    name: str
    document: JsonDocument


def mask_accounts(documents: Sequence[NamedAccounts]) -> tuple[NamedAccounts, ...]:
    """The documents with `account-1`, `account-2` … for the ids of accounts, the same for the same id throughout.

    A patch or a command that holds one cannot be changed without being another: the patch becomes empty, and so do the steps, which
    says that they are withheld.
    """
    found = sorted({found for each in documents for text in _texts([each.name, each.document]) for found in _ACCOUNT.findall(text)})
    masks = {account: f"account-{number}" for number, account in enumerate(found, start=1)}
    return tuple(
        NamedAccounts(name=_masked(each.name, masks), document=cast("JsonDocument", _masked(each.document, masks))) for each in documents
    )


def _texts(given: Any) -> Iterator[str]:
    match given:
        case str():
            yield given
        case dict():
            for entry in given.values():
                yield from _texts(entry)
        case list():
            for entry in given:
                yield from _texts(entry)
        case _:
            pass


def _masked(given: Any, masks: dict[str, str]) -> Any:
    match given:
        case str():
            return _ACCOUNT.sub(lambda found: masks[found[0]], given)
        case {"diff": str(diff)} if _ACCOUNT.search(diff):
            return {**{key: _masked(entry, masks) for key, entry in given.items()}, "diff": ""}
        case {"steps": list(steps)} if any(_ACCOUNT.search(text) for step in steps for text in step["commands"]):
            return {**{key: _masked(entry, masks) for key, entry in given.items()}, "steps": []}
        case dict():
            return {key: _masked(entry, masks) for key, entry in given.items()}
        case list():
            return [_masked(entry, masks) for entry in given]
        case _:
            return given
