"""Plans with removed parts are refused; plans that are partial by design are read."""

from __future__ import annotations

import json

import pytest

from checker.errors import UnreadableError

CUT = "something was cut out"


@pytest.fixture
def whole(fixtures):
    """Return a plan of Terraform 1.11.4 that repoints a stage."""
    return json.loads((fixtures / "formats/plan-repoint-keep-old.json").read_bytes())


def changes_of(document, *types):
    return [entry for entry in document["resource_changes"] if entry["type"] in types]


def resources_of(document, section):
    values = (
        document["prior_state"]["values"]
        if section == "prior_state"
        else document["planned_values"]
    )
    return values["root_module"]["resources"]


def cut_no_ops(document):
    document["resource_changes"] = [
        one for one in document["resource_changes"] if one["change"]["actions"] != ["no-op"]
    ]


def cut_no_ops_everywhere(document):
    cut_no_ops(document)
    left = {one["address"] for one in document["resource_changes"]}
    document["planned_values"]["root_module"]["resources"] = [
        one for one in resources_of(document, "planned_values") if one["address"] in left
    ]


def cut_the_stage_everywhere(document):
    document["resource_changes"] = [
        one for one in document["resource_changes"] if one["type"] != "aws_api_gateway_stage"
    ]
    for section in ("planned_values", "prior_state"):
        found = resources_of(document, section)
        found[:] = [one for one in found if one["type"] != "aws_api_gateway_stage"]


def cut_an_attribute(document, side):
    for entry in changes_of(document, "aws_api_gateway_stage"):
        entry["change"][side].pop("client_certificate_id", None)
        entry["change"]["after_unknown"].pop("client_certificate_id", None)


@pytest.mark.parametrize(
    ("cut", "where", "says"),
    [
        (
            cut_no_ops,
            "resource_changes",
            "lacks aws_api_gateway_client_certificate.old, which planned_values contains",
        ),
        (
            cut_no_ops_everywhere,
            "resource_changes",
            "lacks aws_api_gateway_client_certificate.old, which prior_state contains",
        ),
        (
            cut_the_stage_everywhere,
            "resource_changes",
            "lacks aws_api_gateway_stage.s, which the configuration declares",
        ),
        (lambda d: d.pop("prior_state"), "prior_state", "is missing or empty"),
        (lambda d: d.pop("planned_values"), "planned_values", "is missing"),
        (
            lambda d: d.pop("resource_changes"),
            "resource_changes",
            "lacks aws_api_gateway_client_certificate.new",
        ),
        (
            lambda d: d["resource_changes"].clear(),
            "resource_changes",
            "lacks aws_api_gateway_client_certificate.new",
        ),
        (
            lambda d: cut_an_attribute(d, "before"),
            "before.client_certificate_id",
            "is missing for aws_api_gateway_stage.s",
        ),
        (
            lambda d: cut_an_attribute(d, "after"),
            "client_certificate_id",
            "is missing for aws_api_gateway_stage.s",
        ),
        (
            lambda d: changes_of(d, "aws_api_gateway_stage")[0]["change"].pop("before"),
            "resource_changes",
            "has no `before`",
        ),
        (
            lambda d: changes_of(d, "aws_api_gateway_stage")[0]["change"].pop("after"),
            "resource_changes",
            "has no `after`",
        ),
    ],
)
def test_what_was_cut_out_is_named(read, whole, cut, where, says):
    """A plan with removed parts is refused, and the error names what is missing."""
    assert read(whole)
    cut(whole)
    with pytest.raises(UnreadableError) as error:
        read(whole)
    assert CUT in error.value.message
    assert says in error.value.message
    assert where in error.value.where
    assert "terraform show -json PLANFILE" in error.value.remedy


def test_a_change_that_is_listed_twice(read, whole):
    """A change that is listed twice is refused."""
    whole["resource_changes"].append(changes_of(whole, "aws_api_gateway_stage")[0])
    with pytest.raises(UnreadableError, match="a second change of the same resource instance"):
        read(whole)


@pytest.mark.parametrize("path", ["", "change", "change.before"])
def test_a_property_that_is_there_twice(read, whole, path):
    """A repeated property is refused at the top, in a change, and in its values."""
    text = json.dumps(whole, separators=(",", ":"))
    stage = json.dumps(changes_of(whole, "aws_api_gateway_stage")[0], separators=(",", ":"))
    assert stage in text
    if path == "change":
        twice = stage[:-1] + ',"change":{"actions":["no-op"],"before":null,"after":null}}'
    elif path == "change.before":
        twice = stage.replace('"before":{', '"before":{"client_certificate_id":null,', 1)
    else:
        twice, text = stage, text[:-1] + ',"resource_changes":[]}'
    with pytest.raises(UnreadableError, match="twice"):
        read(text.replace(stage, twice).encode())


def test_a_targeted_plan_is_judged_from_its_prior_state(read, whole):
    """A targeted plan, which is marked as not complete, is judged by its prior state."""
    cut_no_ops_everywhere(whole)
    whole["complete"] = False
    document = read(whole)
    assert [str(one.address) for one in document.certificates] == [
        "aws_api_gateway_client_certificate.old"
    ]


@pytest.mark.parametrize("empty", [True, False])
def test_a_refresh_only_plan_is_judged_from_its_prior_state(read, fixtures, empty):
    """A refresh-only plan, which has no changes, is judged by its prior state."""
    document = json.loads((fixtures / "formats/plan-refresh-only.json").read_bytes())
    assert document["complete"] is True
    if not empty:
        del document["planned_values"]
    found = read(document)
    assert (len(found.stages), len(found.certificates)) == (1, 1)
    assert found.plan.unknown_changes == ()


def test_i4_a_plan_of_which_only_the_configuration_is_left(read, whole):
    """I4: a plan with only a configuration has an unknown change: it is neither clean nor
    refused.
    """
    for name in ("prior_state", "planned_values", "resource_changes"):
        del whole[name]
    (unknown,) = read(whole).plan.unknown_changes
    assert "has no change and no recorded state" in unknown.message


def test_a_plan_without_the_marks_of_terraform_1_8(read, whole):
    """A targeted plan of an older Terraform or of OpenTofu, without marks, is judged by its prior
    state.
    """
    for name in ("complete", "applyable", "errored"):
        whole.pop(name, None)
    cut_no_ops_everywhere(whole)
    assert len(read(whole).certificates) == 1


@pytest.mark.parametrize("folder", ["formats", "acceptance", "rotation", "versions"])
def test_every_recorded_plan_is_whole(fixtures, read_file, folder):
    """Every recorded plan is accepted."""
    plans = [
        path
        for path in sorted((fixtures / folder).rglob("*.json"))
        if b'"planned_values"' in path.read_bytes()[:4096]
    ]
    assert plans
    assert all(read_file(path).source.kind == "plan" for path in plans)


def test_a_targeted_plan_holds_the_prior_state_too(read, fixtures):
    """A targeted plan without its prior state is refused."""
    document = json.loads((fixtures / "formats/plan-repoint-keep-old.json").read_bytes())
    deployment = {"triggers": {}, "id": "d1", "rest_api_id": "a1"}
    change = {"actions": ["update"], "before": deployment, "after": deployment, "after_unknown": {}}
    kind = "aws_api_gateway_deployment"
    document["resource_changes"] = [
        {
            "address": f"{kind}.d",
            "mode": "managed",
            "type": kind,
            "name": "d",
            "provider_name": "aws",
            "change": change,
        }
    ]
    document |= {"complete": False, "planned_values": {"root_module": {}}}
    assert read(document).stages
    del document["prior_state"]
    with pytest.raises(UnreadableError, match=f"{kind}.d was there before the plan: {CUT}"):
        read(document)
