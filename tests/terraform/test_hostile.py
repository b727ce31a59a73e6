"""Any bytes give a document or an error with a place: no traceback, no hang, no quote of
the input.
"""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.errors import TfcertError, UnreadableError
from checker.model.inventory import Document
from checker.terraform.load import read_document, read_source

FIXTURES = Path(__file__).parents[2] / "fixtures"
RECORDED = [
    FIXTURES / "formats" / name
    for name in (
        "plan-create.json",
        "plan-tainted-and-deposed.json",
        "show-deposed.json",
        "state-tainted-and-deposed.tfstate",
    )
] + [
    FIXTURES / "rotation/02-apply1-add-new/plan.json",
    FIXTURES / "rotation/03-apply2-repoint/terraform.tfstate",
]
TEXTS = [file.read_bytes() for file in RECORDED]
VALUES = [json.loads(text) for text in TEXTS]

ODD = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**30,
        1e308,
        "",
        "x",
        "\0",
        "\u001b[2J",
        "\ud800",
        [],
        [[]],
        {},
        {"": None},
        "a" * 5000,
        [None],
        {"references": [5]},
    ]
)
BOUNDED = settings(suppress_health_check=list(HealthCheck))


def read(data):
    """Return the document, or None if it is refused with a proper error."""
    try:
        found = read_source("-", tool=None, stdin=lambda: data)
    except TfcertError as refused:
        error = refused
    else:
        assert isinstance(found, Document)
        return found
    assert error.message
    assert error.where is not None
    assert error.where.startswith("-")
    assert len(str(error)) < 1000
    return None


@settings(BOUNDED, max_examples=300)
@given(st.binary(max_size=500))
def test_any_bytes(data):
    """Random bytes give a document or an error."""
    read(data)


@settings(BOUNDED, max_examples=400)
@given(st.sampled_from(TEXTS), st.data())
def test_damaged_bytes_of_real_documents(text, data):
    """Real documents with damaged bytes give a document or an error."""
    damaged = bytearray(text)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        until = data.draw(st.integers(at, min(at + 40, len(damaged))))
        damaged[at:until] = data.draw(
            st.sampled_from(
                [
                    b"",
                    b'"',
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b":",
                    b"\\",
                    b"\0",
                    b"\xff",
                    b"null",
                    b"9" * 400,
                    b"\\ud800",
                    bytes(damaged[at:until]) * 2,
                ]
            )
        )
    read(bytes(damaged))


@settings(BOUNDED, max_examples=100)
@given(st.sampled_from(TEXTS), st.floats(0, 1, exclude_max=True))
def test_a_document_that_is_cut_short_is_never_clean(text, part):
    """A truncated document is always an error."""
    length = int(len(text.rstrip()) * part)
    assert read(text[:length]) is None
    assert read(gzip.compress(text)[: int(len(gzip.compress(text)) * part)]) is None


def spots(value, path=()):
    """Yield the path of each value in a document."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from spots(inner, (*path, key))


SPOTS = [list(spots(value)) for value in VALUES]


@settings(BOUNDED, max_examples=600)
@given(st.data())
def test_wrong_values_anywhere_in_real_documents(data):
    """Real documents with replaced or removed values give a document or an error."""
    which = data.draw(st.integers(0, len(VALUES) - 1))
    document = copy.deepcopy(VALUES[which])
    for path in data.draw(st.lists(st.sampled_from(SPOTS[which][1:]), min_size=1, max_size=3)):
        holder = document
        try:
            for step in path[:-1]:
                holder = holder[step]
            if data.draw(st.booleans()):
                holder[path[-1]] = data.draw(ODD)
            else:
                del holder[path[-1]]
        except (LookupError, TypeError):
            continue
    read(json.dumps(document).encode())


CLIENT = "aws_api_gateway_client_certificate"
LEAVES = [
    (
        "formats/plan-tainted-and-deposed.json",
        "resource_changes[4].change.before.client_certificate_id",
    ),
    ("formats/plan-tainted-and-deposed.json", "resource_changes[4].change.after.stage_name"),
    ("formats/plan-tainted-and-deposed.json", "resource_changes[4].change.actions[0]"),
    ("formats/plan-tainted-and-deposed.json", "resource_changes[1].deposed"),
    ("formats/plan-tainted-and-deposed.json", "resource_changes[0].change.before.expiration_date"),
    (
        "formats/plan-tainted-and-deposed.json",
        "resource_changes[0].change.before.pem_encoded_certificate",
    ),
    ("formats/plan-tainted-and-deposed.json", "resource_changes[0].change"),
    ("formats/plan-tainted-and-deposed.json", "resource_changes[0].type"),
    ("formats/plan-tainted-and-deposed.json", "resource_changes[0].address"),
    ("formats/plan-tainted-and-deposed.json", "resource_changes"),
    (
        "formats/plan-tainted-and-deposed.json",
        "prior_state.values.root_module.resources[0].values.arn",
    ),
    ("formats/plan-tainted-and-deposed.json", "prior_state.values.root_module.resources"),
    ("formats/plan-tainted-and-deposed.json", "prior_state.values"),
    ("formats/plan-tainted-and-deposed.json", "configuration.root_module.resources"),
    ("formats/plan-tainted-and-deposed.json", "errored"),
    ("formats/plan-tainted-and-deposed.json", "format_version"),
    (
        "rotation/02-apply1-add-new/plan.json",
        "prior_state.values.root_module.child_modules[0].resources[0].values.execution_arn",
    ),
    ("rotation/02-apply1-add-new/plan.json", "configuration.root_module.module_calls"),
    ("formats/show-deposed.json", "values.root_module.resources[1].deposed_key"),
    ("formats/show-deposed.json", "values.root_module.resources[1].values.id"),
    ("formats/state-tainted-and-deposed.tfstate", "version"),
    ("formats/state-tainted-and-deposed.tfstate", "resources"),
    ("formats/state-tainted-and-deposed.tfstate", "resources[0].instances"),
    ("formats/state-tainted-and-deposed.tfstate", "resources[0].instances[0].attributes"),
    ("formats/state-tainted-and-deposed.tfstate", "resources[0].instances[0].attributes.id"),
    ("formats/state-tainted-and-deposed.tfstate", "resources[0].instances[1].deposed"),
    ("formats/state-tainted-and-deposed.tfstate", "resources[0].instances[1].sensitive_attributes"),
    ("formats/state-tainted-and-deposed.tfstate", "resources[0].name"),
    ("rotation/03-apply2-repoint/terraform.tfstate", "resources[10].module"),
]


@pytest.mark.parametrize(
    "wrong", [7, True, [["hunter2"]], {"hunter2": "hunter2"}, "hunter2", 10**400]
)
@pytest.mark.parametrize(("name", "path"), LEAVES, ids=str)
def test_a_wrong_type_at_each_leaf_of_ours(name, path, wrong):
    """A value of a wrong type gives an error with its path and without a quote."""
    document = json.loads((FIXTURES / name).read_bytes())
    holder, steps = document, path.replace("[", ".[").split(".")
    keys = [int(step[1:-1]) if step.startswith("[") else step for step in steps]
    for key in keys[:-1]:
        holder = holder[key]
    right = holder[keys[-1]]
    holder[keys[-1]] = wrong
    try:
        read_document("f", json.dumps(document).encode())
    except UnreadableError as refused:
        error = refused
    else:
        assert type(wrong) is type(right) or (isinstance(right, dict) and isinstance(wrong, dict))
        return
    assert error.where.startswith(f"f: {path}") or (
        isinstance(wrong, str) and error.where.startswith("f: ")
    )
    assert "hunter2" not in error.message
    assert "77" not in error.message


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"format_version":"1.2","planned_values":'
        + b'{"a":' * 100_000
        + b"1"
        + b"}" * 100_000
        + b"}",
        b'{"format_version":"1.0","values":{"root_module":' + b'{"child_modules":[' * 100_000,
        b'{"format_version":"1.2","resource_changes":[{"type":"aws_api_gateway_stage","address":"a.b","change":'
        + b"[" * 100_000,
        b'{"version":4,"lineage":"l","resources":[{"type":"aws_api_gateway_stage","name":"n","instances":'
        + b"[" * 100_000
        + b"]" * 100_000
        + b"}]}",
    ],
)
def test_a_hundred_thousand_levels(data):
    """A hundred thousand nested levels are an error, in skipped and in decoded parts."""
    assert read(data) is None


def test_huge_numbers_names_and_lines():
    """Huge numbers, names and lines give a document or an error."""
    assert read(b'{"version":' + b"9" * 1_000_000 + b"}") is None
    assert read(b'{"format_version":"1.' + b"9" * 1_000_000 + b'"}') is None
    address = b"module.a." * 100_000 + b"aws_api_gateway_stage.s"
    state = b'{"format_version":"1.0","values":{"root_module":{"resources":[{"type":"aws_api_gateway_stage","address":"%s","values":{}}]}}}'
    assert len(read(state % address).stages[0].address.modules) == 100_000
    assert read(state % (b"aws_api_gateway_stage.s[" + b"9" * 100_000 + b"]")) is None
    assert read(b"x" * 3_000_000) is None
    assert read(b" " * 3_000_000) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"format_version":"3.0","format_version":"1.0","values":{"root_module":{"resources":[]}}}',
        '{"format_version":"1.0","values":{"root_module":{"resources":[]}},"format_version":"1.0"}',
        '{"format_version":"1.0", "checks": 1, "values": {}, "checks": 12}',
        '{"format_version":"1.0", "checks": 12, "values": {}, "checks": 1}',
        '{"format_version":"1.0","\\u0076alues":{},"values":{}}',
    ],
)
def test_a_key_given_twice_is_refused(text):
    """A repeated JSON key is refused, because parsers differ in which value they use."""
    with pytest.raises(UnreadableError, match="twice: parsers differ in which of the two counts"):
        read_document("f", text.encode())


RAW = json.loads((FIXTURES / "readme/terraform.tfstate").read_bytes())
SHOWN = json.loads((FIXTURES / "formats/show-deposed.json").read_bytes())


def objects_of(document, holder):
    """Yield each object of a type in a state of either form, and the name of its attributes."""
    if "values" in document:
        for resource in document["values"]["root_module"]["resources"]:
            if resource["type"] == holder:
                yield resource, "values"
    else:
        for resource in document["resources"]:
            if resource["type"] == holder:
                yield from ((instance, "attributes") for instance in resource["instances"])


@pytest.mark.parametrize("holder", ["aws_api_gateway_stage", "aws_api_gateway_client_certificate"])
@pytest.mark.parametrize("left", ["null", "nothing"])
@pytest.mark.parametrize("state", [RAW, SHOWN])
def test_a_stage_or_a_certificate_without_attributes_is_no_state(holder, left, state):
    """An object whose attributes were cut out is an error, not a stage that presents nothing."""
    document = copy.deepcopy(state)
    found = list(objects_of(document, holder))
    assert found
    for each, name in found:
        if left == "null":
            each[name] = None
        else:
            del each[name]
    with pytest.raises(UnreadableError, match=rf"\.{found[0][1]}: are missing"):
        read_document("f", json.dumps(document).encode())


@pytest.mark.parametrize("state", [RAW, SHOWN])
def test_a_mode_that_no_state_has_hides_no_stage(state):
    """A stage in a mode other than managed and data is an error, and is not skipped."""
    text = json.dumps(state).replace('"mode": "managed"', '"mode": "retained"')
    with pytest.raises(UnreadableError, match=r"\.mode: is neither managed nor data"):
        read_document("f", text.encode())


def test_lone_surrogates_are_refused():
    """Lone surrogates are refused."""
    for text in (
        '{"format_version":"1.0","values":null,"x":"\\ud800"}',
        '{"format_version":"1.0","checks":["\\udc00\\ud800"]}',
    ):
        assert read(text.encode()) is None
