"""Escape text for Markdown on GitHub and GitLab."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from msgspec import Struct

from checker.reports.escape import printable
from checker.reports.json_v1_read import JsonDocument

_LONGEST = 1_000
_RUN = re.compile(r"`+")
_TOKEN = re.compile(
    r"`(?P<quoted>[^`]+)`|(?P<space>\s+)"
    r"|(?P<instant>\d{4}-\d\d-\d\d \d\d:\d\d UTC[,.;:)]?(?=\s|$))|(?P<word>[^\s`]+|`+)"
)
# A date, or a word that no forge reads as a mention, a reference (GH-12), a page or a commit.
_PLAIN = re.compile(r"\(?(?:\d{4}-\d\d-\d\d|[A-Za-z]+(?:['-][A-Za-z]+)*(?:'s)?|\d+)\)?[,.;:?]*\)?")
# The start of a numbered list, at the beginning of a line.
_NUMBERED = re.compile(r"\d+[.)]")
_PUNCTUATION = ",.;:"
# What stands around quoted code: "(`tfcert patch`)."
_BRACKETS = re.compile(r"\(|\)[,.;:]?")
_COMMIT = re.compile(r"[0-9a-f]{7,}", re.IGNORECASE)


def code(text: str, *, longest: int = _LONGEST) -> str:
    """Format text as a code span, also inside a table's cell.

    A text longer than `longest` characters ends in an ellipsis.
    """
    shown = shorten(printable(text), longest).replace("|", "\\x7c")
    if not shown.strip():
        return '`""`'
    fence = _longer_than(shown, least=1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def sentence(text: str, *, longest: int = _LONGEST) -> str:
    """Format a sentence that contains foreign names.

    Plain words stay; text in backticks and every other word become code.
    """
    pieces: list[str] = []
    for token in _TOKEN.finditer(shorten(printable(text), longest)):
        piece = (
            " "
            if token["space"]
            else code(token["quoted"])
            if token["quoted"]
            else token["instant"] or _word(token["word"])
        )
        # Two adjacent spans would be read as one.
        pieces.append(
            f" {piece}" if pieces and pieces[-1].endswith("`") and piece.startswith("`") else piece
        )
    return "".join(pieces).strip()


def in_html(text: str, *, longest: int = _LONGEST) -> str:
    """Escape text for an HTML block, such as the summary of a fold."""
    return f"<code>{html.escape(shorten(printable(text), longest))}</code>"


def fenced(text: str, language: str) -> str:
    """Format text as a fenced block; the fence is longer than any run of backticks inside."""
    fence = _longer_than(text, least=3)
    return f"{fence}{language}\n{text if text.endswith(chr(10)) else text + chr(10)}{fence}"


def fits_comment(text: str) -> bool:
    """Return whether a comment can show the text unchanged.

    A comment loses carriage returns. With invisible characters, the visible text would differ from
    the text to apply.
    """
    return all(char in "\n\t" or char.isprintable() for char in text)


def shorten(text: str, longest: int) -> str:
    """Shorten a text to its beginning and an ellipsis, if it is too long."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _word(word: str) -> str:
    if (
        word in _PUNCTUATION
        or _BRACKETS.fullmatch(word)
        or (_PLAIN.fullmatch(word) and not _COMMIT.search(word) and not _NUMBERED.match(word))
    ):
        return word
    # The end of a sentence stays outside, so that a name can be copied unchanged.
    bare = word.rstrip(_PUNCTUATION)
    wrapped = bare.startswith("(") and bare.endswith(")") and not {"(", ")"} & set(bare[1:-1])
    lead = "(" if bare.startswith("(") and (wrapped or bare.count("(") > bare.count(")")) else ""
    tail = ")" if bare.endswith(")") and (wrapped or bare.count(")") > bare.count("(")) else ""
    inner = bare[len(lead) : len(bare) - len(tail)]
    return f"{lead}{code(inner)}{tail}{word[len(bare) :]}" if inner else code(word)


def _longer_than(text: str, *, least: int) -> str:
    return "`" * max([least, *(len(run) + 1 for run in _RUN.findall(text))])


_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")


class NamedAccounts(Struct, frozen=True, kw_only=True):
    """A document and its name in a table of several; the name is empty if there is only one."""

    name: str
    document: JsonDocument


def mask_accounts(documents: Sequence[NamedAccounts]) -> tuple[NamedAccounts, ...]:
    """Return the documents with `account-1`, `account-2` … instead of the ids of accounts.

    The same id has the same number throughout. A patch or a command with an id cannot be changed:
    the patch and the steps become empty, which marks them as withheld.
    """
    found = sorted(
        {
            found
            for each in documents
            for text in _texts([each.name, each.document])
            for found in _ACCOUNT.findall(text)
        }
    )
    masks = {account: f"account-{number}" for number, account in enumerate(found, start=1)}
    return tuple(
        NamedAccounts(
            name=_masked(each.name, masks),
            document=cast("JsonDocument", _masked(each.document, masks)),
        )
        for each in documents
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
        case {"steps": list(steps)} if any(
            _ACCOUNT.search(text) for step in steps for text in step["commands"]
        ):
            return {**{key: _masked(entry, masks) for key, entry in given.items()}, "steps": []}
        case dict():
            return {key: _masked(entry, masks) for key, entry in given.items()}
        case list():
            return [_masked(entry, masks) for entry in given]
        case _:
            return given
