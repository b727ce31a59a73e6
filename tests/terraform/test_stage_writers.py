"""Other resources that write a stage or its certificate."""

from __future__ import annotations

import pytest
from terraform_json import STAGE, block, call, change, plan, raw, raw_state, shown

DEPLOYMENT = "aws_api_gateway_deployment"
STAGE_VALUES = {
    "rest_api_id": "a",
    "stage_name": "live",
    "client_certificate_id": "abc123",
    "deployment_id": "d1",
}
WRITES = {"id": "d1", "rest_api_id": "a", "stage_name": "live"}
TEMPLATE = '{"Resources":{"S":{"Type":"AWS::ApiGateway::Stage"}}}'


def written(read, deployment, *, stage=STAGE_VALUES):
    """Return the stages that a deployment beside a stage writes."""
    prior = [shown(f"{STAGE}.s", stage), shown(f"{DEPLOYMENT}.d", WRITES)]
    document = read(
        plan(change(f"{STAGE}.s", ["no-op"], before=stage, after=stage), deployment, prior=prior)
    )
    return [(one.api_id, one.name) for found in document.plan.deployments for one in found.writes]


@pytest.mark.parametrize(
    ("actions", "before", "after", "unknown", "expected"),
    [
        (["delete", "create"], WRITES, WRITES, ["id"], [("a", "live")]),
        (["create", "delete"], WRITES, WRITES, ["id"], [("a", "live")]),
        (["create"], None, WRITES, ["id"], [("a", "live")]),
        (["delete"], WRITES, None, [], [("a", "live")]),
        (["delete"], WRITES | {"id": "another"}, None, [], []),
        (["update"], WRITES, WRITES | {"description": "x"}, [], []),
        (["no-op"], WRITES, WRITES, [], []),
        (["forget"], WRITES, None, [], []),
        (
            ["delete", "create"],
            WRITES | {"stage_name": None},
            WRITES | {"stage_name": ""},
            ["id"],
            [],
        ),
        (["delete", "create"], {"id": "d1", "rest_api_id": "a"}, {"rest_api_id": "a"}, ["id"], []),
        (["create"], None, {"stage_name": "live"}, ["rest_api_id"], [(None, "live")]),
        (["create"], None, {"rest_api_id": "a"}, ["stage_name"], [("a", None)]),
    ],
)
def test_which_stage_a_deployment_writes(read, actions, before, after, unknown, expected):
    """A deployment writes the stage of its stage name when created, or when deleted while the stage
    uses it.
    """
    entry = change(f"{DEPLOYMENT}.d", actions, before=before, after=after, unknown=unknown)
    assert written(read, entry) == expected


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("aws_cloudformation_stack", {"template_body": TEMPLATE}),
        (
            "aws_cloudformation_stack_set",
            {"template_body": "Type: AWS::ApiGateway::ClientCertificate"},
        ),
        ("awscc_cloudformation_stack", {"template_body": "Type: AWS::Serverless::Api"}),
        ("aws_cloudcontrolapi_resource", {"type_name": "AWS::ApiGateway::Stage"}),
    ],
)
@pytest.mark.parametrize(
    ("actions", "open_"),
    [
        (["update"], 1),
        (["delete"], 1),
        (["delete", "create"], 1),
        (["no-op"], 0),
        (["create"], 0),
        (["forget"], 0),
    ],
)
def test_stacks_with_stages(read, kind, values, actions, open_):
    """A changed CloudFormation stack with stages is an unknown change; a new or unchanged one is a
    notice.
    """
    before = None if actions == ["create"] else values
    after = None if actions in (["delete"], ["forget"]) else values
    prior = [shown(f"{kind}.x", values)] if before else []
    document = read(plan(change(f"{kind}.x", actions, before=before, after=after), prior=prior))
    assert len(document.plan.unknown_changes) == open_
    assert any("that another service manages" in notice for notice in document.notices) is (
        actions in (["no-op"], ["create"])
    )


def test_a_stack_without_stages(read):
    """A stack without stages gives no notice; a changed one with a template elsewhere gives one."""
    other = change(
        "aws_cloudformation_stack.o",
        ["update"],
        before={"template_body": "x"},
        after={"template_body": "y"},
    )
    assert (read(plan(other)).plan.unknown_changes, read(plan(other)).notices) == ((), ())
    url = {"template_url": "https://example.invalid/t", "template_body": None}
    (notice,) = read(
        plan(change("aws_cloudformation_stack.u", ["update"], before=url, after=url))
    ).notices
    assert "its template is not in it" in notice
    assert (
        read(plan(change("aws_cloudformation_stack.u", ["no-op"], before=url, after=url))).notices
        == ()
    )


def test_a_stack_in_a_state(read):
    """A stack with stages in a state gives a notice that names `tfcert scan`."""
    state = raw_state(
        raw("aws_cloudformation_stack", "x", {"attributes": {"template_body": TEMPLATE}})
    )
    (notice,) = read(state).notices
    assert "tfcert scan" in notice


@pytest.mark.parametrize(
    ("other", "actions", "open_"),
    [
        ({"client_certificate_id": "zzz999"}, ["no-op"], 1),
        ({}, ["no-op"], 0),
        ({}, ["update"], 1),
        ({"stage_name": "other"}, ["update"], 0),
        ({"rest_api_id": "b"}, ["update"], 0),
    ],
)
def test_two_resources_for_one_stage(read, other, actions, open_):
    """Two resources for one stage leave its certificate open if they differ or one is updated."""
    second = {key: value for key, value in STAGE_VALUES.items() if key != "deployment_id"} | other
    entries = [
        change(f"{STAGE}.s", ["no-op"], before=STAGE_VALUES, after=STAGE_VALUES),
        change("awscc_apigateway_stage.t", actions, before=second, after=second),
    ]
    prior = [shown(f"{STAGE}.s", STAGE_VALUES), shown("awscc_apigateway_stage.t", second)]
    assert len(read(plan(*entries, prior=prior)).plan.unknown_changes) == open_


def test_a_changed_api_definition_writes_no_stage(read):
    """A changed API definition writes no stage, because OpenAPI has no stages."""
    entry = change(
        "aws_api_gateway_rest_api.a",
        ["update"],
        before={"id": "a", "body": "1"},
        after={"id": "a", "body": "2"},
    )
    document = read(plan(entry))
    assert (document.plan.unknown_changes, document.plan.deleted_apis, document.notices) == (
        (),
        frozenset(),
        (),
    )


def test_a_deleted_api_takes_its_stages_along(read):
    """A deleted or replaced API is recorded, because AWS deletes its stages too."""
    for actions, after in ((["delete"], None), (["delete", "create"], {"name": "n"})):
        entry = change(
            "aws_api_gateway_rest_api.a",
            actions,
            before={"id": "a", "name": "n"},
            after=after,
            unknown=["id"],
        )
        assert read(plan(entry)).plan.deleted_apis == {"a"}


@pytest.mark.parametrize("name", ["action_invocations", "deferred_action_invocations"])
def test_actions_are_said(read, name):
    """An action of Terraform gives a notice, because no plan shows what it does."""
    one = {
        "address": "action.aws_lambda_invoke.x",
        "lifecycle_action_trigger": {"triggering_resource_address": "aws_x.y"},
    }
    entry = {"action_invocation": one} if name.startswith("deferred") else one
    (notice,) = read(plan(**{name: [entry]})).notices
    assert "action.aws_lambda_invoke.x, triggered by aws_x.y" in notice


def test_an_import_that_is_replaced_is_created(read):
    """An import that is also replaced gives a notice that does not say "not created"."""
    entry = change(
        f"{STAGE}.s",
        ["delete", "create"],
        before=STAGE_VALUES,
        after=STAGE_VALUES,
        importing={"id": "a/live"},
    )
    (notice,) = read(plan(entry)).notices
    assert "imported by this plan and replaced" in notice
    assert "not created" not in notice


def clashes(
    read,
    stage_actions,
    deployment_actions,
    *,
    before=STAGE_VALUES,
    after=STAGE_VALUES,
    made=WRITES,
    makes=WRITES,
    **more,
):
    """Return how many stages cannot be created, and how many possibly cannot."""
    entries = [
        change(
            f"{STAGE}.s", stage_actions, before=before, after=after, unknown=more.get("unknown", ())
        )
    ]
    prior = [shown(f"{STAGE}.s", before)] if before else []
    if deployment_actions is not None:
        entries.append(
            change(
                f"{DEPLOYMENT}.d",
                deployment_actions,
                before=made,
                after=makes,
                unknown=more.get("unknown", ()),
            )
        )
    prior += [shown(f"{DEPLOYMENT}.d", made)] if made else []
    references = more.get(
        "references", ("aws_api_gateway_rest_api.a.id", "aws_api_gateway_rest_api.a.id")
    )
    blocks = [
        {
            "address": f"{kind}.{name}",
            "mode": "managed",
            "type": kind,
            "name": name,
            "expressions": {
                "rest_api_id": {"references": [reference]},
                "deployment_id": {"references": [f"{DEPLOYMENT}.d.id"]},
            },
        }
        for (kind, name), reference in zip(
            ((STAGE, "s"), (DEPLOYMENT, "d")), references, strict=True
        )
    ]
    found = read(
        plan(*entries, prior=prior, configuration={"root_module": {"resources": blocks}})
    ).plan
    return len(found.clashes), len(found.unknown_changes)


NEW = {"stage_name": "live", "client_certificate_id": "abc123"}
RCF = ["create", "delete"]
REPLACED = ["delete", "create"]


@pytest.mark.parametrize(
    ("stage", "deployment", "more", "expected"),
    [
        (REPLACED, REPLACED, {}, (1, 0)),
        (["create"], REPLACED, {"before": None}, (1, 0)),
        (["create"], RCF, {"before": None}, (1, 0)),
        (["create"], ["create"], {"before": None, "made": None}, (1, 0)),
        (REPLACED, RCF, {}, (0, 1)),
        (REPLACED, ["create"], {"made": None}, (0, 1)),
        (["create"], ["no-op"], {"before": None}, (0, 1)),
        (["create"], ["update"], {"before": None}, (0, 1)),
        (["create"], ["forget"], {"before": None, "makes": None}, (0, 1)),
        (["create"], ["delete"], {"before": None, "makes": None}, (0, 1)),
        (
            ["create"],
            RCF,
            {"before": None, "makes": {"rest_api_id": "a", "stage_name": None}},
            (0, 1),
        ),
        (
            ["create"],
            REPLACED,
            {"before": None, "makes": {"rest_api_id": "a", "stage_name": None}},
            (0, 0),
        ),
        (REPLACED, ["no-op"], {}, (0, 0)),
        (REPLACED, REPLACED, {"makes": WRITES | {"stage_name": "other"}}, (0, 0)),
        (REPLACED, REPLACED, {"makes": WRITES | {"rest_api_id": "b"}}, (0, 0)),
        (
            ["create"],
            ["create"],
            {"before": None, "made": None, "after": STAGE_VALUES | {"client_certificate_id": None}},
            (0, 0),
        ),
        (["update"], ["no-op"], {}, (0, 0)),
        # A plan with -target lists no change of the deployment: only the prior state has it.
        (["create"], None, {"before": None}, (0, 1)),
        (["create"], None, {"before": None, "made": {"id": "d1", "rest_api_id": "a"}}, (0, 0)),
    ],
)
def test_a_stage_that_is_created_beside_a_deployment_of_its_name(
    read, stage, deployment, more, expected
):
    """A stage created after a deployment of its name clashes; without a fixed order it
    may clash.
    """
    assert clashes(read, stage, deployment, **more) == expected


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        (("aws_api_gateway_rest_api.a.id", "aws_api_gateway_rest_api.a.id"), (1, 0)),
        (("aws_api_gateway_rest_api.a.id", "aws_api_gateway_rest_api.b.id"), (0, 0)),
        (("local.api", "aws_api_gateway_rest_api.a.id"), (0, 1)),
    ],
)
def test_an_api_that_is_yet_to_be_created_is_told_by_its_reference(read, references, expected):
    """For an API that is not created yet, the references decide whether a stage and a deployment
    clash.
    """
    more = {
        "before": None,
        "after": NEW,
        "made": None,
        "makes": {"stage_name": "live"},
        "unknown": ["rest_api_id"],
    }
    assert clashes(read, ["create"], ["create"], references=references, **more) == expected


def test_a_stage_of_another_module_than_its_deployment_may_have_its_api(read):
    """What an argument of a module gives is not compared with a reference outside it."""
    new = {"stage_name": "live", "client_certificate_id": "abc123"}
    address = f"module.m.{STAGE}.s"
    root = {
        "resources": [
            block(
                "aws_api_gateway_deployment",
                "d",
                {"rest_api_id": ["aws_api_gateway_rest_api.a.id"]},
            )
        ],
        "module_calls": {
            "m": call(
                {"resources": [block(STAGE, "s", {"rest_api_id": ["var.a"]})]},
                {"a": ["aws_api_gateway_rest_api.a.id"]},
            )
        },
    }
    found = read(
        plan(
            change(address, ["create"], after=new, unknown=["rest_api_id"]),
            change(
                "aws_api_gateway_deployment.d",
                ["create"],
                after={"stage_name": "live"},
                unknown=["rest_api_id"],
            ),
            root=root,
        )
    ).plan
    assert (len(found.clashes), len(found.unknown_changes)) == (0, 1)
