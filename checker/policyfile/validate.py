"""Validate TOML values against a schema; report the first error and its correction."""

from __future__ import annotations

import re

from checker.model.text_values import Keys, Mismatch, did_you_mean, has_controls, parse_day
from checker.policyfile.schema import (
    MOST_ENTRIES,
    Choice,
    Day,
    NamedTable,
    OneOrMore,
    Shape,
    Table,
    Tables,
    Text,
    WholeNumber,
    WholeNumbers,
)


def validate(found: object, shape: Shape, at: Keys) -> None:  # noqa: C901 -- one line per shape
    """Validate a value against its shape; raises Mismatch at the first error."""
    match shape:
        case WholeNumber():
            _whole(found, shape, at)
        case WholeNumbers():
            _wholes(found, shape, at)
        case Choice():
            _word(found, shape, at)
        case Text():
            _text(found, shape, at)
        case OneOrMore():
            _one_or_more(found, shape, at)
        case Day():
            if parse_day(found) is None:
                raise Mismatch(
                    at,
                    f"{name_of(at)} is not a date",
                    f"write {at[-1]} = 2026-12-31, without a time",
                )
        case Table():
            _table(found, shape, at)
        case Tables():
            if not isinstance(found, list):
                raise Mismatch(
                    at,
                    f"{name_of(at)} is not an array of tables",
                    f"write [[{at[-1]}]], once for each",
                )
            _few(found, shape.most, at)
            for index, entry in enumerate(found):
                validate(entry, shape.table, (*at, index))
        case NamedTable():
            _named(found, shape, at)


def name_of(at: Keys) -> str:
    """Return a path as messages show it: `rules.certificate-expiring`, `scope 2: address`."""
    text = ""
    before: str | int = ""
    for key in at:
        if isinstance(key, int):
            text += f" {key + 1}"
        else:
            text += f"{'' if not text else ': ' if isinstance(before, int) else '.'}{key}"
        before = key
    return text


def _whole(found: object, shape: WholeNumber, at: Keys) -> None:
    write = f"write {at[-1]} = {shape.example}"
    if not isinstance(found, int) or isinstance(found, bool):
        raise Mismatch(at, f"{name_of(at)} is {_kind(found)} and not a whole number", write)
    if found < shape.least or (shape.most is not None and found > shape.most):
        limits = (
            f"from {shape.least} to {shape.most}"
            if shape.most is not None
            else f"from {shape.least} on"
        )
        raise Mismatch(at, f"{name_of(at)} is {found} and not a whole number {limits}", write)


def _wholes(found: object, shape: WholeNumbers, at: Keys) -> None:
    if not isinstance(found, list) or not found:
        what = "an empty array" if isinstance(found, list) else _kind(found)
        raise Mismatch(
            at,
            f"{name_of(at)} is {what} and not an array of whole numbers",
            f"write {at[-1]} = [{shape.example}]",
        )
    _few(found, MOST_ENTRIES, at)
    number = WholeNumber(says=shape.says, least=shape.least, most=shape.most, example=shape.example)
    for index, entry in enumerate(found):
        try:
            _whole(entry, number, (*at, index))
        except Mismatch as error:
            raise Mismatch(error.at, error.message, f"write {at[-1]} = [{shape.example}]") from None


def _word(found: object, shape: Choice, at: Keys) -> None:
    if isinstance(found, str) and found in shape.words:
        return
    if not isinstance(found, str):
        raise Mismatch(
            at,
            f"{name_of(at)} is {_kind(found)} and not a text",
            f"write one of {_listed(shape.words)}",
        )
    if found in shape.unless:
        raise Mismatch(
            at, f"{name_of(at)}: {shape.unless[found]}", f"known here: {_listed(shape.words)}"
        )
    raise Mismatch(
        at, f"{name_of(at)} is {found!r} and none of its words", did_you_mean(found, shape.words)
    )


def _text(found: object, shape: Text, at: Keys) -> None:
    write = f'write {at[-1] if isinstance(at[-1], str) else at[-2]} = "{shape.example}"'
    if not isinstance(found, str):
        raise Mismatch(at, f"{name_of(at)} is {_kind(found)} and not {shape.what}", write)
    if not found.strip():
        raise Mismatch(at, f"{name_of(at)} is blank", write)
    if len(found) > shape.most:
        raise Mismatch(
            at, f"{name_of(at)} has {len(found)} characters", f"write at most {shape.most}"
        )
    if has_controls(found):
        raise Mismatch(
            at,
            f"{name_of(at)} has a control character",
            "write it in one line of printable characters",
        )
    if shape.pattern is not None and not re.fullmatch(shape.pattern, found, re.ASCII):
        shown = "" if shape.secret else f" {found!r} and"
        raise Mismatch(at, f"{name_of(at)} is{shown} not {shape.what}", write)


def _one_or_more(found: object, shape: OneOrMore, at: Keys) -> None:
    if not isinstance(found, list):
        _text(found, shape.text, at)
        return
    if not found:
        raise Mismatch(
            at,
            f"{name_of(at)} is an empty array, which nothing can match",
            f'write {at[-1]} = "{shape.text.example}"',
        )
    _few(found, shape.most, at)
    for index, entry in enumerate(found):
        _text(entry, shape.text, (*at, index))


def _table(found: object, shape: Table, at: Keys) -> None:
    if not isinstance(found, dict):
        header = f"[[{at[-2]}]]" if at and isinstance(at[-1], int) else f"[{name_of(at)}]"
        raise Mismatch(at, f"{name_of(at)} is {_kind(found)} and not a table", f"write {header}")
    for key, entry in found.items():
        if key not in shape.keys:
            where = f" in {name_of(at)}" if at else ""
            raise Mismatch(
                (*at, key), f"unknown key {key!r}{where}", did_you_mean(key, tuple(shape.keys))
            )
        validate(entry, shape.keys[key], (*at, key))
    for key in shape.needed:
        if key not in found:
            raise Mismatch(at, f"{name_of(at)} lacks {key}", f"{key}: {shape.keys[key].says}")
    for group in shape.any_of:
        if found.keys().isdisjoint(group):
            raise Mismatch(
                at,
                f"{name_of(at)} has none of {_listed(group)}",
                "write one of them, or remove the entry",
            )
    if shape.one_of and len(found.keys() & set(shape.one_of)) != 1:
        raise Mismatch(
            at,
            f"{name_of(at)} needs exactly one of {_listed(shape.one_of)}",
            "write the one that names it",
        )


def _named(found: object, shape: NamedTable, at: Keys) -> None:
    if not isinstance(found, dict):
        raise Mismatch(
            at,
            f"{name_of(at)} is {_kind(found)} and not a table",
            f'write [{name_of(at)}."{shape.name.example}"]',
        )
    if len(found) < shape.least:
        raise Mismatch(
            at,
            f"{name_of(at)} is empty, which nothing can match",
            f'write {shape.name.example} = "…" into it',
        )
    for key, entry in found.items():
        if (
            not key.strip()
            or has_controls(key)
            or (
                shape.name.pattern is not None
                and not re.fullmatch(shape.name.pattern, key, re.ASCII)
            )
        ):
            raise Mismatch(
                (*at, key),
                f"{name_of(at)}: {key!r} is not {shape.name.what}",
                f'write "{shape.name.example}"',
            )
        validate(entry, shape.each, (*at, key))


def _few(found: list[object], most: int, at: Keys) -> None:
    if len(found) > most:
        raise Mismatch(
            at, f"{name_of(at)} has {len(found)} entries", f"write at most {most}, or use patterns"
        )


def _kind(found: object) -> str:  # noqa: PLR0911 -- one line per kind
    match found:
        case bool():
            return "true or false"
        case int():
            return f"the number {found}"
        case float():
            return f"{found}, with a point,"
        case str():
            return f"the text {found!r}"
        case list():
            return "an array"
        case dict():
            return "a table"
        case _:
            return "a date or a time"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words)
