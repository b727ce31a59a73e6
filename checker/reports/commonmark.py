"""Foreign text made harmless for Markdown as GitHub and GitLab render it.

Both turn far more than CommonMark into something: mentions, references to issues and commits, addresses of pages, labels, HTML,
math, quick actions. So nothing from Terraform or AWS stands in running text unless it is a plain word; everything else is a code
span, in which none of these is looked for. Sources: GitHub Flavored Markdown Spec; GitLab's pages "GitLab Flavored Markdown" and
"quick actions".
"""

from __future__ import annotations

import html
import re

from checker.reports.printable import printable

_LONGEST = 1_000
_RUN = re.compile(r"`+")
_TOKEN = re.compile(r"`(?P<quoted>[^`]+)`|(?P<space>\s+)|(?P<word>[^\s`]+|`+)")
# A date, or a word that no forge can take for a mention, a reference (GH-12), a page or a commit.
_PLAIN = re.compile(r"\(?(?:\d{4}-\d\d-\d\d|[A-Za-z]+(?:['-][A-Za-z]+)*(?:'s)?|\d+)\)?[,.;:!?]*\)?")
# What would begin a numbered list where a line begins with it.
_NUMBERED = re.compile(r"\d+[.)]")
_PUNCTUATION = ",.;:"
_COMMIT = re.compile(r"[0-9a-f]{7,}", re.IGNORECASE)


def code(text: str, *, longest: int = _LONGEST) -> str:
    """The text as a code span, also inside a table's cell; what is longer than `longest` characters ends in an ellipsis."""
    shown = shorten(printable(text), longest).replace("|", "\\x7c")
    if not shown.strip():
        return '`""`'
    fence = _longer_than(shown, least=1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def sentence(text: str, *, longest: int = _LONGEST) -> str:
    """A sentence of ours that holds foreign names: plain words stay, what stood in backticks and every other word becomes code."""
    pieces: list[str] = []
    for token in _TOKEN.finditer(shorten(printable(text), longest)):
        piece = " " if token["space"] else code(token["quoted"]) if token["quoted"] else _word(token["word"])
        # Two spans that touch would be read as one.
        pieces.append(f" {piece}" if pieces and pieces[-1].endswith("`") and piece.startswith("`") else piece)
    return "".join(pieces).strip()


def in_html(text: str, *, longest: int = _LONGEST) -> str:
    """The text for an HTML block, such as the summary of a fold, where Markdown is not read."""
    return f"<code>{html.escape(shorten(printable(text), longest))}</code>"


def fenced(text: str, language: str) -> str:
    """The text as a fenced block that nothing in it can end: the fence is longer than any run of backticks inside."""
    fence = _longer_than(text, least=3)
    return f"{fence}{language}\n{text if text.endswith(chr(10)) else text + chr(10)}{fence}"


def showable(text: str) -> bool:
    """Whether a comment can carry the text so that it comes out as it went in, and looks like what it is.

    Carriage returns are lost on the way, and invisible characters would show another text than the one that is applied.
    """
    return all(char in "\n\t" or char.isprintable() for char in text)


def shorten(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _word(word: str) -> str:
    if word in _PUNCTUATION or (_PLAIN.fullmatch(word) and not _COMMIT.search(word) and not _NUMBERED.match(word)):
        return word
    # What ends a sentence stays outside, so that a name can be taken out as it is.
    bare = word.rstrip(_PUNCTUATION)
    wrapped = bare.startswith("(") and bare.endswith(")") and not {"(", ")"} & set(bare[1:-1])
    lead = "(" if bare.startswith("(") and (wrapped or bare.count("(") > bare.count(")")) else ""
    tail = ")" if bare.endswith(")") and (wrapped or bare.count(")") > bare.count("(")) else ""
    inner = bare[len(lead) : len(bare) - len(tail)]
    return f"{lead}{code(inner)}{tail}{word[len(bare) :]}" if inner else code(word)


def _longer_than(text: str, *, least: int) -> str:
    return "`" * max([least, *(len(run) + 1 for run in _RUN.findall(text))])
