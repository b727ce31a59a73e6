"""Reading one planned change."""

from __future__ import annotations

import pytest
from terraform_json import CERTIFICATE, STAGE, change, created, plan, shown

from checker.analysis.certificate_uses import stages_after
from checker.errors import UnreadableError
from checker.model.plan import Action
from checker.model.resources import Presents, PresentsNothing, PresentsPlanned

BEFORE = {
    "stage_name": "prod",
    "rest_api_id": "a",
    "client_certificate_id": "c1",
    "tags": None,
    "variables": {},
    "xray_tracing_enabled": False,
}


def only(read, entry, **more):
    return read(plan(entry, **more)).plan.stages[0]


@pytest.mark.parametrize("action", list(Action))
def test_every_combination_of_actions(read, action):
    """Each combination of actions is read."""
    written = ["unheard", "of"] if action is Action.OTHER else action.value.split("+")
    assert only(read, change(f"{STAGE}.s", written, before=BEFORE, after=BEFORE)).action is action


@pytest.mark.parametrize("written", [[], ["open"], ["create", "create"], ["forget", "update"]])
def test_actions_that_are_not_known(read, written):
    """An unknown combination of actions is read as `other`."""
    assert (
        only(read, change(f"{STAGE}.s", written, before=BEFORE, after=BEFORE)).action
        is Action.OTHER
    )


@pytest.mark.parametrize(
    ("after", "unknown", "changed"),
    [
        (BEFORE, [], set()),
        (BEFORE | {"client_certificate_id": "c2"}, [], {"client_certificate_id"}),
        (
            {key: value for key, value in BEFORE.items() if key != "client_certificate_id"},
            ["client_certificate_id"],
            {"client_certificate_id"},
        ),
        (BEFORE | {"tags": {}}, [], set()),
        (BEFORE | {"tags": {"a": "b"}}, [], {"tags"}),
        (BEFORE | {"tags_all": {}}, [], set()),
        (BEFORE | {"variables": None}, [], {"variables"}),
        (BEFORE | {"xray_tracing_enabled": 0}, [], {"xray_tracing_enabled"}),
        (BEFORE | {"description": "x"}, ["web_acl_arn"], {"description", "web_acl_arn"}),
    ],
)
def test_which_attributes_an_update_changes(read, after, unknown, changed):
    """Changed attributes are those that differ or are unknown; tags from null to empty are no
    change.
    """
    assert (
        only(
            read, change(f"{STAGE}.s", ["update"], before=BEFORE, after=after, unknown=unknown)
        ).changed
        == changed
    )


def test_unknown_parts_are_changes_and_empty_marks_are_not(read):
    """In `after_unknown`, only a true value marks an attribute as unknown."""
    entry = change(f"{STAGE}.s", ["update"], before=BEFORE, after=BEFORE)
    entry["change"]["after_unknown"] = {
        "access_log_settings": [],
        "tags": {},
        "canary_settings": [{"deployment_id": True}],
        "variables": {"true": False},
    }
    assert only(read, entry).changed == {"canary_settings"}


def test_an_empty_id_that_becomes_null_is_no_change(read):
    """An id that changes from empty to null is no change, because both mean no certificate."""
    entry = change(
        f"{STAGE}.s",
        ["update"],
        before=BEFORE | {"client_certificate_id": ""},
        after=BEFORE | {"client_certificate_id": None, "description": "x"},
    )
    found = only(read, entry)
    assert found.changed == {"description"}
    assert (found.before.presents, found.after.presents) == (PresentsNothing(), PresentsNothing())


@pytest.mark.parametrize("actions", [["no-op"], ["create"], ["delete"], ["read"], ["forget"]])
def test_other_actions_change_no_attribute(read, actions):
    """Only an update or a replacement has changed attributes."""
    after = None if actions in (["delete"], ["forget"]) else BEFORE | {"description": "x"}
    before = None if actions == ["create"] else BEFORE
    assert only(read, change(f"{STAGE}.s", actions, before=before, after=after)).changed == set()


@pytest.mark.parametrize(
    ("after", "unknown", "presents"),
    [
        ({"client_certificate_id": "c2"}, [], Presents("c2")),
        ({"client_certificate_id": None}, [], PresentsNothing()),
        ({"client_certificate_id": ""}, [], PresentsNothing()),
        ({}, [], PresentsPlanned(())),
        ({}, ["client_certificate_id"], PresentsPlanned(())),
        ({"client_certificate_id": None}, ["client_certificate_id"], PresentsPlanned(())),
    ],
)
def test_what_the_stage_presents_afterwards(read, after, unknown, presents):
    """The stage's certificate after the change: an id, none, or unknown if the attribute
    is absent.
    """
    assert (
        only(
            read, change(f"{STAGE}.s", ["update"], before=BEFORE, after=after, unknown=unknown)
        ).after.presents
        == presents
    )


def test_everything_unknown(read):
    """`after_unknown: true` makes every attribute unknown."""
    entry = change(f"{STAGE}.s", ["update"], before=BEFORE, after={"stage_name": "p"})
    entry["change"]["after_unknown"] = True
    found = only(read, entry)
    assert found.after.presents == PresentsPlanned(())
    assert "stage_name" in found.changed


def test_an_id_that_is_still_to_come(read):
    """An id marked as unknown is unknown, even if the change has a value."""
    entry = change(f"{CERTIFICATE}.c", ["create"], after={"id": "stale"}, unknown=["id"])
    assert read(plan(entry)).plan.certificates[0].after.id is None


def test_objects_that_only_the_changes_know_are_recorded(read):
    """Objects that only the changes list are recorded: without prior state, and deposed ones."""
    deposed = change(f"{CERTIFICATE}.c", ["delete"], before={"id": "c0"}, deposed="12345678")
    current = change(f"{CERTIFICATE}.c", ["no-op"], before={"id": "c1"}, after={"id": "c1"})
    document = read(
        plan(
            current,
            deposed,
            change(f"{STAGE}.s", ["no-op"], before=BEFORE, after=BEFORE),
            prior=[shown(f"{CERTIFICATE}.c", {"id": "c1"})],
        )
    )
    assert [(one.id, one.deposed) for one in document.certificates] == [
        ("c1", None),
        ("c0", "12345678"),
    ]
    assert [str(stage.address) for stage in document.stages] == [f"{STAGE}.s"]


def test_an_object_under_its_former_address_is_recorded_once(read):
    """An object that moved is recorded once, although the prior state has its old address."""
    entry = change(
        f"{CERTIFICATE}.new",
        ["no-op"],
        before={"id": "c1"},
        after={"id": "c1"},
        previous_address=f"{CERTIFICATE}.old",
    )
    document = read(plan(entry, prior=[shown(f"{CERTIFICATE}.old", {"id": "c1"})]))
    assert len(document.certificates) == 1
    assert str(document.plan.certificates[0].previous_address) == f"{CERTIFICATE}.old"


def test_a_deposed_stage_has_a_change_of_its_own(read):
    """A deposed stage has its own change, and presents its certificate until then."""
    entries = [
        change(f"{STAGE}.s", ["no-op"], before=BEFORE, after=BEFORE),
        change(f"{STAGE}.s", ["delete"], before=BEFORE | {"stage_name": "old"}, deposed="12345678"),
    ]
    document = read(plan(*entries))
    assert [(one.action, one.deposed) for one in document.plan.stages] == [
        (Action.NO_OP, None),
        (Action.DELETE, "12345678"),
    ]
    assert [(stage.name, stage.deposed) for stage in document.stages] == [
        ("prod", None),
        ("old", "12345678"),
    ]
    assert [stage.name for stage in stages_after(document)] == ["prod"]


def test_the_arn_of_an_acm_certificate_that_is_replaced(read):
    """A replaced ACM certificate has its old ARN before and an unknown one after."""
    arn = "arn:aws:acm:eu-west-1:111122223333:certificate/1"
    entry = change(
        "aws_acm_certificate.a",
        ["create", "delete"],
        before={"arn": arn},
        after={"arn": arn},
        unknown=["arn"],
    )
    stage = change(
        f"{STAGE}.s",
        ["no-op"],
        before=BEFORE | {"client_certificate_id": arn},
        after=BEFORE | {"client_certificate_id": arn},
    )
    (found,) = read(plan(entry, stage)).plan.certificates
    assert (found.before.id, found.after.id, found.before.kind) == (arn, None, "acm")


def test_deployments_that_change(read):
    """Deployments of both kinds are read if they change."""
    entries = [
        change("aws_api_gateway_deployment.a", ["create"], after={}),
        change("aws_apigatewayv2_deployment.b", ["delete", "create"], before={}, after={}),
        change("aws_api_gateway_deployment.c", ["no-op"], before={}, after={}),
        change("module.m.aws_api_gateway_deployment.d[0]", ["update"], before={}, after={}),
    ]
    found = read(plan(*entries)).plan.deployments
    assert [(str(one.address), one.action) for one in found] == [
        ("aws_api_gateway_deployment.a", Action.CREATE),
        ("aws_apigatewayv2_deployment.b", Action.REPLACE),
        ("module.m.aws_api_gateway_deployment.d[0]", Action.UPDATE),
    ]


def test_data_sources_are_no_changes_of_ours(read):
    """A data source is not read as a change."""
    entry = change(f"{STAGE}.s", ["read"], after=BEFORE) | {"mode": "data"}
    assert read(plan(entry)).plan.stages == ()


def test_reason_import_and_old_shapes(read):
    """The reason and the import of a change are read, and unknown members are ignored."""
    entry = change(
        f"{CERTIFICATE}.c",
        ["delete", "create"],
        before={"id": "a"},
        after={},
        unknown=["id"],
        action_reason="replace_by_request",
        importing={"id": "a"},
    )
    entry["change"] |= {
        "replace_paths": [["x", 0]],
        "before_identity": {"id": "a"},
        "generated_config": "resource",
    }
    (found,) = read(
        plan(entry, resource_drift=[entry], checks=[], timestamp="now", action_invocations=[])
    ).plan.certificates
    assert (found.reason, found.before.id, found.after.id) == ("replace_by_request", "a", None)


@pytest.mark.parametrize("complete", [True, False, None])
def test_complete_is_absent_where_the_tool_has_no_such_mark(read, complete):
    """A plan without `complete`, as OpenTofu writes it, has None for it."""
    document = read(
        plan(created(f"{CERTIFICATE}.c"), **({} if complete is None else {"complete": complete}))
    )
    assert document.plan.complete is complete
    assert bool(document.notices) is (complete is False)


def test_deferred_changes_are_said(read):
    """A deferred change of a stage gives a notice with its address; other types give none."""
    deferred = [
        {
            "reason": "instance_count_unknown",
            "resource_change": change(f"{STAGE}.s[*]", ["create"], after={}),
        },
        {"reason": "x", "resource_change": change("aws_lambda_function.f", ["create"], after={})},
    ]
    document = read(plan(created(f"{CERTIFICATE}.c"), deferred_changes=deferred))
    assert document.notices == (
        "The plan defers what it will do to aws_api_gateway_stage.s: it was not checked.",
    )
    assert document.plan.deferred == ("aws_api_gateway_stage.s",)


def test_what_is_imported_is_said(read):
    """An import gives a notice that the object exists and is not created."""
    known = {"id": "a", "description": "d"}
    document = read(
        plan(
            change(f"{CERTIFICATE}.c", ["no-op"], before=known, after=known, importing={"id": "a"}),
            change(f"{CERTIFICATE}.d", ["no-op"], before=known, after=known, importing=None),
        )
    )
    assert [found.imported for found in document.plan.certificates] == [True, False]
    assert document.notices == (
        f"{CERTIFICATE}.c is imported by this plan: it is there already, and is not created.",
    )


def test_drift_of_what_we_check_is_said(read):
    """A certificate deleted, or replaced on a stage, outside Terraform gives a notice; other drift
    does not.
    """
    drift = [
        change(f"{CERTIFICATE}.c", ["delete"], before={"id": "c1"}),
        change(
            f"{STAGE}.s",
            ["update"],
            before=BEFORE,
            after=BEFORE | {"client_certificate_id": "hand99"},
        ),
        change(f"{STAGE}.t", ["update"], before=BEFORE, after=BEFORE | {"tags": {}}),
        change(
            f"{CERTIFICATE}.d",
            ["update"],
            before={"id": "x", "tags": None},
            after={"id": "x", "tags": {}},
        ),
    ]
    first, second = read(plan(created(f"{CERTIFICATE}.e"), resource_drift=drift)).notices
    assert first == f"{CERTIFICATE}.c was deleted outside Terraform since the last apply."
    assert second.startswith(
        f"{STAGE}.s was given another client certificate, or none, outside Terraform"
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("change.after.client_certificate_id", 5),
        ("change.after.stage_name", ["x"]),
        ("change.before.execution_arn", {}),
        ("change.actions", "create"),
        ("change.actions[0]", 1),
        ("change", []),
        ("change.before", "x"),
        ("address", "not an address"),
        ("previous_address", ""),
        ("change.after.client_certificate_id", "esc\u001b[31m"),
        ("change.after.client_certificate_id", "x" * 3000),
    ],
)
def test_a_wrong_leaf_is_named_and_not_quoted(read, path, value):
    """An error about a wrong value names its JSON path and does not quote it."""
    entry = change(f"{STAGE}.s", ["update"], before=dict(BEFORE), after=dict(BEFORE))
    target, steps = entry, path.replace("[0]", "").split(".")
    for step in steps[:-1]:
        target = target[step]
    target[steps[-1]] = [value] if path.endswith("[0]") else value
    with pytest.raises(UnreadableError) as error:
        read(plan(created(f"{CERTIFICATE}.c"), entry))
    assert error.value.where == f"plan.json: resource_changes[1].{path}"
    assert "31m" not in str(error.value)
    assert "xxx" not in str(error.value)


def test_i4_a_plan_whose_changes_were_cut_out_is_not_an_empty_one(read):
    """I4: a plan without `resource_changes` is refused, unless it is refresh-only or empty."""
    document = plan(planned_values={"root_module": {"resources": [shown(f"{STAGE}.s", BEFORE)]}})
    del document["resource_changes"]
    with pytest.raises(UnreadableError, match="something was cut out") as error:
        read(document)
    assert error.value.where.endswith("resource_changes")
    # A refresh-only plan also has no changes, and no planned values.
    values = document.pop("planned_values")
    assert read(document | {"prior_state": {"values": values}}).stages
    document["planned_values"] = {"root_module": {}}
    assert not read(document).stages
