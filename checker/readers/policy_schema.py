"""The JSON Schema of a policy file, for editors and for those who check policies elsewhere; made from the reader's own shapes."""

from __future__ import annotations

from typing import Any

from checker.domain.text_values import CONTROLS
from checker.readers.policy_shape import POLICY
from checker.readers.shapes import Day, NamedTable, OneOrMore, Shape, Table, Tables, Text, Whole, Word

_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_NOT_BLANK = rf"^(?=.*\S)[^{CONTROLS}]+$"


def policy_schema() -> dict[str, Any]:
    """The schema of the whole file (JSON Schema 2020-12); a date of TOML is a text to it.

    What it cannot say is left to `tfcert policy check`: values that contradict each other, addresses, files that are extended.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tfcert:policy:v1",
        "title": "tfcert policy, version 1",
        **_schema(POLICY),
    }


def _schema(shape: Shape) -> dict[str, Any]:  # noqa: PLR0911 -- a line a shape
    said = {"description": shape.says}
    match shape:
        case Whole(least=least, most=most):
            return {**said, "type": "integer", "minimum": least, **({"maximum": most} if most is not None else {})}
        case Word(words=words):
            return {**said, "enum": list(words)}
        case Text():
            return {**said, **_text(shape)}
        case OneOrMore(text=text, most=most):
            return {**said, "anyOf": [_text(text), {"type": "array", "items": _text(text), "minItems": 1, "maxItems": most}]}
        case Day():
            return {**said, "type": "string", "format": "date", "pattern": _DAY}
        case Table():
            return {**said, **_table(shape)}
        case Tables(table=table, most=most):
            return {**said, "type": "array", "items": _schema(table), "maxItems": most}
        case NamedTable(name=name, each=each, least=least):
            fits = {"type": "object", "propertyNames": _text(name), "additionalProperties": _schema(each)}
            return {**said, **fits, **({"minProperties": least} if least else {})}


def _text(text: Text) -> dict[str, Any]:
    pattern = f"^(?:{text.pattern})$" if text.pattern is not None else _NOT_BLANK
    return {"type": "string", "pattern": pattern, "maxLength": text.most}


def _table(table: Table) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: _schema(shape) for key, shape in table.keys.items()},
    }
    if table.needed:
        found["required"] = list(table.needed)
    if table.any_of:
        found["allOf"] = [{"anyOf": [{"required": [key]} for key in group]} for group in table.any_of]
    if table.one_of:
        found["oneOf"] = [{"required": [key]} for key in table.one_of]
    return found
