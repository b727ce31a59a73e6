"""The JSON Schema of a policy equals the one derived from the reader, and both accept the same
files.
"""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.model.text_values import Mismatch
from checker.policyfile.json_schema import policy_schema
from checker.policyfile.schema import (
    POLICY,
    Choice,
    Day,
    NamedTable,
    OneOrMore,
    Table,
    Tables,
    Text,
    WholeNumber,
    WholeNumbers,
)
from checker.policyfile.validate import validate

SHIPPED = Path(__file__).parents[2] / "checker/policyfile/schemas/policy-v1.schema.json"
SCHEMA = policy_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def test_what_is_shipped_is_what_the_reader_takes():
    """The shipped schema equals the derived one. TFCERT_RECORD=1 writes it."""
    if os.environ.get("TFCERT_RECORD"):
        SHIPPED.write_text(
            json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    assert (
        SHIPPED.read_text(encoding="utf-8")
        == json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n"
    )
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def fitting(shape):  # noqa: PLR0911 -- a line a shape
    """Return a strategy of values that fit a shape."""
    match shape:
        case WholeNumber(least=least, most=most):
            return st.integers(least, most if most is not None else 10**6)
        case WholeNumbers(least=least, most=most):
            return st.lists(st.integers(least, most), min_size=1, max_size=3)
        case Choice(words=words):
            return st.sampled_from(words)
        case Text(example=example):
            return st.just(example)
        case OneOrMore(text=text):
            return st.just(text.example) | st.lists(st.just(text.example), min_size=1, max_size=2)
        case Day():
            return st.dates().map(str)
        case Table() as table:
            return tables(table)
        case Tables(table=table):
            return st.lists(tables(table), max_size=2)
        case NamedTable(name=name, each=each):
            return st.dictionaries(st.just(name.example), fitting(each), min_size=1, max_size=1)


@st.composite
def tables(draw, table):
    needed = {*table.needed, *(draw(st.sampled_from(group)) for group in table.any_of)}
    if table.one_of:
        needed.add(draw(st.sampled_from(table.one_of)))
    others = [key for key in table.keys if key not in needed and key not in table.one_of]
    chosen = [
        *sorted(needed),
        *draw(
            st.lists(st.sampled_from(others), unique=True, max_size=3) if others else st.just([])
        ),
    ]
    return {key: draw(fitting(table.keys[key])) for key in chosen}


ODD = st.sampled_from(
    [
        None,
        "a\x1bb",
        "a\tb",
        "\u202eb",
        "a b",
        True,
        -1,
        0,
        1,
        3,
        2.5,
        "",
        " ",
        "x",
        "off",
        "2026-13-01",
        "2026-12-31",
        [],
        [""],
        ["x"],
        [3],
        {},
        {"x": 1},
    ]
)


@st.composite
def damaged(draw):  # noqa: C901 -- told in one go
    """Draw a valid policy with one place replaced, removed or added to."""
    found = draw(tables(POLICY))
    places = []

    def walk(value, at):
        places.append(at)
        if isinstance(value, dict):
            for key, entry in value.items():
                walk(entry, (*at, key))
        elif isinstance(value, list):
            for index, entry in enumerate(value):
                walk(entry, (*at, index))

    walk(found, ())
    at = draw(st.sampled_from(places))
    found = copy.deepcopy(found)
    if not at:
        return found
    inside = found
    for key in at[:-1]:
        inside = inside[key]
    match draw(st.sampled_from(["replace", "remove", "add", "nothing"])):
        case "replace":
            inside[at[-1]] = draw(ODD)
        case "remove":
            del inside[at[-1]]
        case "add" if isinstance(inside, dict):
            inside[
                draw(
                    st.sampled_from(["rule", "until", "stage", "threshold", "role", "name", "off"])
                )
            ] = draw(ODD)
        case _:
            pass
    return found


def without_none(value):
    """Return whether a value has no None, which TOML cannot express."""
    if isinstance(value, dict):
        return all(map(without_none, value.values()))
    if isinstance(value, list):
        return all(map(without_none, value))
    return value is not None


@settings(max_examples=1500)
@given(damaged())
def test_the_schema_and_the_reader_say_the_same_of_any_file(found):
    """The schema accepts a damaged policy exactly if the reader does."""
    if not without_none(found):
        return
    try:
        validate(found, POLICY, ())
        held = True
    except Mismatch:
        held = False
    # JSON has no whole numbers with a decimal point, and TOML has them.
    assert VALIDATOR.is_valid(found) == held, list(VALIDATOR.iter_errors(found))
