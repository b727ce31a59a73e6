"""Documents that record an object or a property twice, and stages of APIs without client
certificates.
"""

from __future__ import annotations

import json

import pytest

from checker.errors import UnreadableError
from checker.terraform.load import read_document
from checker.terraform.schema import SMALL

ADDRESS = "aws_api_gateway_client_certificate.c"
TYPE = "aws_api_gateway_client_certificate"


def raw(instances, *more):
    """Return a raw state with a certificate of these instances."""
    resource = (
        f'{{"mode":"managed","type":"{TYPE}","name":"c","provider":"p","instances":[{instances}]}}'
    )
    return f'{{"version":4,"serial":1,"lineage":"x","outputs":{{}},"resources":[{",".join((resource, *more))}]}}'.encode()


def shown(*resources):
    """Return a shown state with these resources."""
    return f'{{"format_version":"1.0","values":{{"root_module":{{"resources":[{",".join(resources)}]}}}}}}'.encode()


INSTANCE = (
    '{"schema_version":0,"attributes":{"id":"abc123","expiration_date":"2027-01-01T00:00:00Z"}}'
)
LATER = INSTANCE.replace("2027", "2028")
SECOND = f'{{"mode":"managed","type":"{TYPE}","name":"c","provider":"p","instances":[{LATER}]}}'
TWICE_NAMED = '{"schema_version":0,"attributes":{"id":"abc123","id":"abc124","expiration_date":"2027-01-01T00:00:00Z"}}'
TWICE_HELD = f'{{"schema_version":0,"attributes":{{"id":"abc123"}},{INSTANCE[1:]}'
SHOWN = f'{{"address":"{ADDRESS}","mode":"managed","type":"{TYPE}","name":"c","values":{{"id":"abc123"}}}}'


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (raw(f"{INSTANCE},{LATER}"), "second record of the same resource instance"),
        (raw(INSTANCE, SECOND), "second record of the same resource instance"),
        (raw(TWICE_NAMED), "has `id` twice"),
        (raw(TWICE_HELD), "has `attributes` twice"),
        (
            raw(INSTANCE).replace(b'"provider":"p"', b'"instances":[],"provider":"p"'),
            "has `instances` twice",
        ),
        (shown(SHOWN, SHOWN), "second record of the same resource instance"),
        (shown(SHOWN.replace('"id":', '"id":"other1","id":')), "has `id` twice"),
        (raw(INSTANCE).replace(b'"name":"c"', b'"name":"c[0]"'), "is not the name of a resource"),
    ],
)
def test_what_is_recorded_twice_is_refused(state, said):
    """A state that records an instance or a property twice is refused."""
    with pytest.raises(UnreadableError, match=said):
        read_document("state.json", state)


OTHER = '{"address":"aws_x.y","mode":"managed","type":"aws_x","name":"y","values":{}}'
FULL = f'{{"root_module":{{"resources":[{SHOWN}]}}}}'
PRIOR = f'"prior_state":{{"format_version":"1.0","values":{FULL}}}'


def planned(prior=PRIOR, values='{"root_module":{}}', changes="[]"):
    """Return a plan without changes."""
    return f'{{"format_version":"1.2","terraform_version":"1.5.0","planned_values":{values},"resource_changes":{changes},{prior}}}'


DEEP = {
    "root_module": shown().replace(b'{"root_module":', b'{"root_module":{},"root_module":'),
    "resources": shown(SHOWN).replace(b"]}}}", b'],"resources":[]}}}'),
    "resources, the first one empty": shown(SHOWN).replace(
        b'"resources":[', b'"resources":[],"resources":['
    ),
    "child_modules": shown(SHOWN).replace(
        b"]}}}", b'],"child_modules":[{"address":"module.m"}],"child_modules":[]}}}'
    ),
    "type": shown(SHOWN.replace('"type"', '"type":"aws_x","type"')),
    "type, ours first": shown(OTHER.replace('"type"', f'"type":"{TYPE}","type"')),
    "values": shown(SHOWN.replace('"values"', '"values":{},"values"')),
    "values of the prior state": planned(
        PRIOR.replace('"values":{"root', '"values":{},"values":{"root')
    ).encode(),
    "resources of the prior state": planned(
        PRIOR.replace('"resources"', '"resources":[],"resources"')
    ).encode(),
    "root_module of the planned values": planned(
        values='{"root_module":{},"root_module":{}}'
    ).encode(),
    "type of a change": planned(
        changes=f'[{{"address":"aws_x.y","mode":"managed","type":"{TYPE}","type":"aws_x","change":{{"actions":["no-op"]}}}}]'
    ).encode(),
    "type in a raw state": raw(INSTANCE).replace(b'"type":"aws', b'"type":"aws_x","type":"aws'),
}


@pytest.mark.parametrize("name", list(DEEP))
def test_a_property_that_is_there_twice_is_refused_wherever_it_is(name):
    """A repeated property is refused at every depth, because parsers differ in which one
    they use.
    """
    with pytest.raises(UnreadableError, match="twice"):
        read_document("state.json", DEEP[name])


def test_a_large_state_with_two_lists_of_resources_is_refused():
    """A large state with two lists of resources is refused, because the first would be lost."""
    many = ",".join(OTHER.replace("aws_x.y", f"aws_x.y{number}") for number in range(9000))
    for text in (
        f'"resources":[{SHOWN}],"resources":[{many}]',
        f'"resources":[{SHOWN},{many}],"resources":[]',
    ):
        state = f'{{"format_version":"1.0","values":{{"root_module":{{{text}}}}}}}'.encode()
        assert len(state) > SMALL
        with pytest.raises(UnreadableError, match="`resources` twice"):
            read_document("state.json", state)
    whole = (
        f'{{"format_version":"1.0","values":{{"root_module":{{"resources":[{SHOWN},{many}]}}}}}}'
    )
    assert len(read_document("state.json", whole.encode()).certificates) == 1


def test_several_instances_and_deposed_ones_are_read():
    """Several instances and deposed objects are read as separate objects."""
    others = LATER.replace("{", '{"deposed":"abcd1234",', 1)
    assert len(read_document("state.json", raw(f"{INSTANCE},{others}")).certificates) == 2


@pytest.mark.parametrize(("protocol", "count"), [("HTTP", 0), ("WEBSOCKET", 1), (None, 1)])
def test_a_stage_of_an_http_api_is_left_out(protocol, count):
    """A stage of an HTTP API is skipped; with an unknown protocol the stage is read."""
    api = {"id": "aaaaaaaaaa", "name": "h", **({"protocol_type": protocol} if protocol else {})}
    stage = {"id": "live", "name": "live", "api_id": "aaaaaaaaaa", "client_certificate_id": ""}
    resources = [
        {
            "mode": "managed",
            "type": kind,
            "name": "h",
            "provider": "p",
            "instances": [{"attributes": held}],
        }
        for kind, held in (("aws_apigatewayv2_api", api), ("aws_apigatewayv2_stage", stage))
    ]
    state = json.dumps(
        {"version": 4, "serial": 1, "lineage": "x", "outputs": {}, "resources": resources}
    )
    assert len(read_document("state.json", state.encode()).stages) == count
