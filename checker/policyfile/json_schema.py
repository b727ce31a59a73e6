"""Write the keys of tfcert.toml as a JSON Schema."""

from __future__ import annotations

from typing import Any

from checker.model.text_values import CONTROLS
from checker.policyfile.schema import (
    MOST_ENTRIES,
    POLICY,
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

_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_NOT_BLANK = rf"^(?=.*\S)[^{CONTROLS}]+$"


def policy_schema() -> dict[str, Any]:
    """Return the schema of the whole file (JSON Schema 2020-12), where a TOML date is a text.

    `tfcert policy check` also checks the rest: contradictory values, addresses, and extended files.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tfcert:policy:v1",
        "title": "tfcert policy, version 1",
        **_schema(POLICY),
    }


def _schema(shape: Shape) -> dict[str, Any]:  # noqa: PLR0911 -- one line per shape
    described = {"description": shape.says}
    match shape:
        case WholeNumber(least=least, most=most):
            return {
                **described,
                "type": "integer",
                "minimum": least,
                **({"maximum": most} if most is not None else {}),
            }
        case WholeNumbers(least=least, most=most):
            number = {"type": "integer", "minimum": least, "maximum": most}
            return {
                **described,
                "type": "array",
                "items": number,
                "minItems": 1,
                "maxItems": MOST_ENTRIES,
            }
        case Choice(words=words):
            return {**described, "enum": list(words)}
        case Text():
            return {**described, **_text(shape)}
        case OneOrMore(text=text, most=most):
            return {
                **described,
                "anyOf": [
                    _text(text),
                    {"type": "array", "items": _text(text), "minItems": 1, "maxItems": most},
                ],
            }
        case Day():
            return {**described, "type": "string", "format": "date", "pattern": _DAY}
        case Table():
            return {**described, **_table(shape)}
        case Tables(table=table, most=most):
            return {**described, "type": "array", "items": _schema(table), "maxItems": most}
        case NamedTable(name=name, each=each, least=least):
            fits = {
                "type": "object",
                "propertyNames": _text(name),
                "additionalProperties": _schema(each),
            }
            return {**described, **fits, **({"minProperties": least} if least else {})}


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
        found["allOf"] = [
            {"anyOf": [{"required": [key]} for key in group]} for group in table.any_of
        ]
    if table.one_of:
        found["oneOf"] = [{"required": [key]} for key in table.one_of]
    return found
