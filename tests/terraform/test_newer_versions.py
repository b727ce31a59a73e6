"""Documents of Terraform 1.12 to 1.15, OpenTofu 1.10 to 1.12 and AWS provider 6.

fixtures/versions/README.md says which of them a binary wrote.
"""

from __future__ import annotations

import json
from itertools import product

import pytest
from terraform_json import CERTIFICATE, STAGE, block, change, created, plan, raw, raw_state

from checker.model.places import Place
from checker.model.resources import Presents, PresentsPlanned

DAY = ("--offline", "--as-of", "2026-11-25")
DUE, LATER = "o8kcu4", "xdly9m"
ACCOUNT = "123456789012"
EU, US = "eu-west-1", "us-east-1"


@pytest.fixture
def judged(outcome, fixtures, tmp_path):
    """Return a function that checks a document, away from any configuration."""

    def judge(name, *options):
        document = tmp_path / name
        document.write_bytes((fixtures / "versions" / name).read_bytes())
        return outcome(document, *DAY, *options)

    return judge


def found_by_rule(document):
    return {(one["rule"], one["severity"], one["certificate_id"]) for one in document["findings"]}


def places(document):
    return {
        (one["address"], one["id"]): (one["account"], one["region"])
        for one in document["certificates"]
    }


EXPIRING = ("certificate-expiring", "error", DUE)


@pytest.mark.parametrize(
    "name",
    [
        "1.12.2-region.tfstate",
        "1.12.2-region-noop.json",
        "1.13.5-region.tfstate",
        "1.14.9-region.tfstate",
        "1.15.5-region.tfstate",
        "1.15.5-region-show.json",
        "1.15.5-region-noop.json",
    ],
)
def test_the_region_of_a_resource_decides(judged, name):
    """A certificate and a stage are in their own region, in a state and in a plan."""
    document, code = judged(f"terraform-{name}")
    assert code == 1
    assert found_by_rule(document) == {EXPIRING}
    assert places(document) == {
        (f"{CERTIFICATE}.eu", DUE): (ACCOUNT, EU),
        (f"{CERTIFICATE}.home", LATER): (ACCOUNT, US),
    }
    (stage,) = document["stages"]
    assert (stage["region"], stage["certificate_address"]) == (EU, f"{CERTIFICATE}.eu")


@pytest.mark.parametrize("version", ["1.12.2", "1.13.5", "1.14.9", "1.15.5"])
def test_a_planned_region_is_not_that_of_the_provider(judged, version):
    """New certificates and stages are in the region that the plan gives them."""
    document, code = judged(f"terraform-{version}-region-create.json")
    assert (document["verdict"], code) == ("clean", 0)
    assert places(document) == {
        (f"{CERTIFICATE}.eu", None): (None, EU),
        (f"{CERTIFICATE}.home", None): (None, US),
    }
    assert [stage["region"] for stage in document["stages"]] == [EU]


def test_another_region_replaces_the_certificate(judged):
    """A change of the region is a replacement: the old one is in its region, the new in its own.

    The stage does not move with it, and cannot present a certificate of another region.
    """
    document, code = judged("terraform-1.15.5-region-changed.json")
    assert code == 1
    assert found_by_rule(document) == {
        EXPIRING,
        ("certificate-elsewhere", "error", None),
        ("rotation-destroys-in-use", "error", DUE),
        ("rotation-unstaged", "error", DUE),
    }
    regions = {identity: region for (_, identity), (_, region) in places(document).items()}
    assert regions == {DUE: EU, LATER: US, None: "eu-central-1"}


def test_one_id_in_two_regions_is_two_certificates(judged):
    """Ids are unique only within a region: each stage moves to the certificate of its own."""
    document, code = judged("terraform-1.15.5-each-region.json", "--as-of", "2026-11-29")
    assert (document["verdict"], code) == ("clean", 0)
    assert places(document) == {
        (f'{CERTIFICATE}.{name}["{region}"]', identity): (ACCOUNT, region)
        for name, identity in (("each", DUE), ("each_202611", LATER))
        for region in (EU, US)
    }
    presented = {one["address"]: one["certificate_address"] for one in document["stages"]}
    assert presented == {
        f'{STAGE}.each["{region}"]': f'{CERTIFICATE}.each_202611["{region}"]' for region in (EU, US)
    }
    assert [one["severity"] for one in document["findings"]] == ["warning"] * 2


def test_a_stage_of_another_region_than_its_certificate(outcome, fixtures, tmp_path):
    """The `region` of both shows that AWS refuses the certificate, without any ARN."""
    state = json.loads((fixtures / "versions" / "terraform-1.15.5-region.tfstate").read_text())
    for resource in state["resources"]:
        attributes = resource["instances"][0]["attributes"]
        attributes |= dict.fromkeys(("arn", "execution_arn"))
        if resource["type"] == STAGE:
            attributes["region"] = US
    (tmp_path / "terraform.tfstate").write_text(json.dumps(state))
    document, code = outcome(tmp_path / "terraform.tfstate", *DAY)
    assert code == 1
    assert ("certificate-elsewhere", "error", DUE) in found_by_rule(document)


def test_a_region_that_is_known_after_apply_is_unknown(judged):
    """The provider's region does not take the place of a region that is not known yet.

    A literal id is not looked up in the wrong region: the plan is inconclusive.
    """
    document, code = judged("terraform-1.15.5-region-unknown.json")
    assert (document["verdict"], code) == ("inconclusive", 3)
    assert {one["region"] for one in (*document["certificates"], *document["stages"])} == {None}
    (finding,) = document["findings"]
    assert finding["rule"] == "certificate-unverified"
    assert f"{STAGE}.literal will present" in finding["message"]


def test_objects_are_imported_by_id_with_region_and_by_identity(judged):
    """Objects of `ID@REGION` and of an identity are read in their region, and not as created."""
    document, _ = judged("terraform-1.15.5-imported.json")
    assert places(document) == {
        (f'{CERTIFICATE}.found["eu"]', DUE): (ACCOUNT, EU),
        (f'{CERTIFICATE}.found["us"]', LATER): (ACCOUNT, US),
    }
    (stage,) = document["stages"]
    assert (stage["certificate_id"], stage["region"]) == (DUE, EU)
    assert {rule for rule, _, _ in found_by_rule(document)} == {"certificate-expiring"}


@pytest.mark.parametrize(
    ("name", "code", "notices"),
    [
        ("1.14.9-actions-create.json", 0, ["The plan runs 1 action"]),
        ("1.15.5-actions-create.json", 0, ["The plan runs 1 action"]),
        ("1.15.5-actions-update.json", 1, ["The plan runs 2 actions"]),
        ("1.15.5-actions-invoke.json", 1, ["The plan is refresh-only", "The plan runs 1 action"]),
        ("1.15.5-actions.tfstate", 1, []),
        ("1.15.5-actions-show.json", 1, []),
    ],
)
def test_actions_write_only_and_ephemeral_values(judged, name, code, notices):
    """A plan with actions says that they were not checked; certificates and stages are read."""
    document, exit_code = judged(f"terraform-{name}")
    assert exit_code == code
    assert found_by_rule(document) == ({EXPIRING} if code else set())
    assert [stage["certificate_address"] for stage in document["stages"]] == [f"{CERTIFICATE}.home"]
    assert len(document["notices"]) == len(notices)
    assert all(
        f": {start}" in text for start, text in zip(notices, document["notices"], strict=True)
    )


def test_a_write_only_argument_is_no_evidence_of_a_pem(tfcert, fixtures, tmp_path):
    """A write-only argument is null in the state: it is no evidence of what the backend has."""
    (tmp_path / "main.tf").write_bytes(
        (fixtures / "versions" / "terraform-1.15.5-actions.tf.txt").read_bytes()
    )
    state = fixtures / "versions" / "terraform-1.15.5-actions.tfstate"
    done = tfcert("patch", state, "--config", tmp_path, *DAY, "--phase", "all")
    assert done.returncode == 0
    assert b"secret_string_wo is write-only: Terraform sends it only when" in done.stdout
    assert b"action aws_lambda_invoke.reload keeps only the old PEM" in done.stdout


def test_a_deferred_change_is_unknown(judged):
    """A deferred change is unverified, also of a stage without a known key; the state is judged."""
    document, code = judged("format-terraform-1.14-deferred.json")
    assert code == 1
    unverified = [
        one["message"] for one in document["findings"] if one["rule"] == "certificate-unverified"
    ]
    assert [text.split(" to ")[1].split(",")[0] for text in unverified] == [
        f"{STAGE}.each",
        f"{STAGE}.eu",
    ]
    assert EXPIRING in found_by_rule(document)
    assert any("puts off 1 action" in notice for notice in document["notices"])


def test_a_deferred_change_alone_is_not_clean(judged):
    """Before its notice, nothing but the deferred changes is found, and the exit code is 3."""
    document, code = judged("format-terraform-1.14-deferred.json", "--as-of", "2026-01-01")
    assert (document["verdict"], code) == ("inconclusive", 3)


@pytest.mark.parametrize("ending", ["json", "tfstate"])
def test_a_provider_with_for_each_is_one_configuration_a_key(judged, ending):
    """The account of one key's stages is not that of another key's certificate."""
    document, code = judged(f"format-opentofu-1.12-provider-for-each.{ending}")
    assert code == 1
    assert places(document) == {
        (f'{CERTIFICATE}.each["one"]', DUE): (ACCOUNT, EU),
        (f'{CERTIFICATE}.each["two"]', LATER): (None, US),
    }


def test_a_disabled_resource_is_deleted(judged):
    """`enabled = false` deletes: with the stage gone, the end of its certificate is a warning.

    An ephemeral resource that is opened is not an unknown action.
    """
    document, code = judged("format-opentofu-1.11-disabled.json")
    assert (document["verdict"], code) == ("clean", 0)
    assert found_by_rule(document) == {("certificate-expiring", "warning", DUE)}


def test_a_certificate_with_destroy_false_is_forgotten_and_created(judged):
    """A forgotten certificate stays in AWS, and the stage moves in the same apply."""
    document, code = judged("format-opentofu-1.12-forget-create.json")
    assert code == 1
    assert ("rotation-unstaged", "error", DUE) in found_by_rule(document)
    assert any("stays in AWS" in notice for notice in document["notices"])


def test_the_log_of_a_query_is_named(tfcert, fixtures):
    """The log of `terraform query -json` is neither a plan nor a state."""
    done = tfcert("check", fixtures / "versions" / "terraform-1.15.5-query.jsonl", *DAY)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is the log of `terraform query -json`" in done.stderr


@pytest.mark.parametrize("more", [{"serial": 3, "lineage": "90d50c06"}, {}])
def test_an_encrypted_document_is_named(tfcert, tmp_path, more):
    """The envelope of OpenTofu's encryption, of a state and of a plan, is refused by name.

    Source: opentofu 1.10, internal/encryption/base.go and state.go.
    """
    envelope = {
        "meta": {"key_provider.pbkdf2.main": "eyJzYWx0IjoiIn0="},
        "encrypted_data": "AAECAwQFBgcICQ==",
        "encryption_version": "v0",
    }
    (tmp_path / "file").write_text(json.dumps(more | envelope))
    done = tfcert("check", tmp_path / "file", *DAY)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is encrypted by OpenTofu (pass what `tofu state pull`" in done.stderr


@pytest.mark.parametrize("marks", [{"region": True}, True])
def test_a_sensitive_region_is_not_kept(read, marks):
    """A sensitive region is not shown, and the provider's region does not take its place."""
    entry = created(f"{CERTIFICATE}.c")
    entry["change"]["after"]["region"] = "eu-north-1"
    entry["change"]["after_sensitive"] = marks
    providers = {"aws": {"expressions": {"region": {"constant_value": US}}}}
    root = {"resources": [block(CERTIFICATE, "c")]}
    document = read(plan(entry, root=root, providers=providers))
    assert document.plan.certificates[0].after.place == Place("aws", None, None)


def test_the_arn_shows_the_region_of_an_existing_object(read):
    """The ARN gives the region where the attribute is sensitive."""
    attributes = {
        "id": "a",
        "region": EU,
        "arn": f"arn:aws:apigateway:{EU}::/clientcertificates/a",
    }
    hidden = [[{"type": "get_attr", "value": "region"}]]
    instance = {"attributes": attributes, "sensitive_attributes": hidden}
    (certificate,) = read(raw_state(raw(CERTIFICATE, "c", instance))).certificates
    assert certificate.place == Place("aws", None, EU)


@pytest.mark.parametrize("kind", [CERTIFICATE, STAGE, "aws_apigatewayv2_stage"])
def test_every_source_of_a_region_has_its_rank(read, kind):
    """The attribute counts before the ARN, and the ARN before the provider.

    An attribute that is not shown hides the provider's region, and not the ARN's.
    """
    arn = "arn:aws:execute-api:eu-west-1:123456789012:a/prod"
    for attribute, recorded, region in product(
        ("known", "empty", "absent", "unknown", "sensitive"), (arn, None), (US, None)
    ):
        after = {"client_certificate_id": None}
        if attribute in {"known", "sensitive", "empty"}:
            after["region"] = "" if attribute == "empty" else "eu-north-1"
        after |= {"arn" if kind == CERTIFICATE else "execution_arn": recorded}
        entry = change(
            f"{kind}.x",
            ["create"],
            after=after,
            unknown=["id", *(["region"] if attribute == "unknown" else [])],
            after_sensitive={"region": True} if attribute == "sensitive" else {},
        )
        given = {"region": {"constant_value": region}} if region else {}
        document = read(
            plan(
                entry,
                root={"resources": [block(kind, "x")]},
                providers={"aws": {"expressions": given}},
            )
        )
        changes = document.plan.certificates if kind == CERTIFICATE else document.plan.stages
        shown = attribute in {"absent", "empty"}
        expected = "eu-north-1" if attribute == "known" else EU if recorded else region
        if not recorded and attribute != "known" and not shown:
            expected = None
        assert changes[0].after.place.region == expected, (attribute, recorded, region)


def replaced(address, **before):
    """Return the replacement of an object in a region that is known only after apply."""
    return change(
        address,
        ["delete", "create"],
        before={"region": US, "client_certificate_id": "old111", **before},
        after={"client_certificate_id": "old111"},
        unknown=["id", "arn", "region"],
    )


def test_a_replacement_does_not_keep_a_region_that_may_change(read):
    """The region before the plan is not that after it, where that one is not known yet."""
    found = read(plan(replaced(f"{CERTIFICATE}.c", id="old111"), replaced(f"{STAGE}.s"))).plan
    sides = (found.certificates[0], found.stages[0])
    assert [side.before.place.region for side in sides] == [US, US]
    assert [side.after.place.region for side in sides] == [None, None]
    assert found.stages[0].after.presents == Presents("old111"), "this state has the certificate"


@pytest.mark.parametrize(
    ("identity", "presents"),
    [
        ("abc123", PresentsPlanned(())),
        ("arn:aws:acm:eu-west-1:123456789012:certificate/x", None),
        (None, None),
    ],
)
def test_an_id_without_a_region_means_no_certificate(read, identity, presents):
    """An id that only its region makes a certificate is unknown; an ARN has its region."""
    entry = change(
        f"{STAGE}.s",
        ["create"],
        after={"client_certificate_id": identity, "stage_name": "prod"},
        unknown=["region", "rest_api_id"],
    )
    found = read(plan(entry)).plan.stages[0].after.presents
    assert (found == PresentsPlanned(())) is (presents is not None)


STACK = "aws_cloudformation_stack"
TEMPLATE = '{"Resources":{"S":{"Type":"AWS::ApiGateway::Stage"}}}'


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        (change(f"{STACK}.x", ["update"], after={"template_body": TEMPLATE}), True),
        (change(f"{STACK}.x", ["update"], after={"template_body": "{}"}), False),
        (change(f"{STACK}.x", ["update"], after={}, unknown=["template_body"]), True),
        (change("aws_api_gateway_rest_api.x", ["delete", "create"], before={"id": "a"}), True),
        (change("aws_api_gateway_rest_api.x", ["update"], before={"id": "a"}, after={}), False),
        (change("aws_api_gateway_deployment.x", ["create"], after={}), True),
        (change("aws_lambda_function.x", ["delete"], before={}), False),
    ],
)
def test_a_deferred_change_that_may_reach_a_stage_is_unknown(read, entry, named):
    """A deferred stack with a stage, or an unknown template, and a deleted API are unknown."""
    document = read(plan(deferred_changes=[{"reason": "x", "resource_change": entry}]))
    assert document.plan.deferred == ((entry["address"],) if named else ())


@pytest.mark.parametrize(
    ("action", "unknown"),
    [
        ("aws_api_gateway_flush_stage", True),
        ("aws_cloudformation_execute_change_set", True),
        ("aws_lambda_invoke", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("name", ["action_invocations", "deferred_action_invocations"])
def test_an_action_on_stages_is_unknown(read, action, unknown, name):
    """An action of a service that writes stages is unverified; any other is only a notice."""
    one = {"address": f"action.{action or 'x'}.y", "type": action}
    entry = {"action_invocation": one} if name.startswith("deferred") else one
    document = read(plan(**{name: [entry, entry]}))
    assert len(document.plan.unknown_changes) == int(unknown)
    assert len(document.notices) == 1


@pytest.mark.parametrize(
    "text",
    [
        'list "aws_api_gateway_stage" "all" {\n  provider = aws\n}\n',
        'action "aws_lambda_invoke" "x" {\n}\n',
        'ephemeral "aws_ssm_parameter" "x" {\n}\n',
        "language {\n}\n",
        json.dumps({"ephemeral": {"aws_ssm_parameter": {"x": {"arn": "a"}}}}),
    ],
)
def test_newer_blocks_are_configuration(tfcert, tmp_path, text):
    """A file of newer blocks is recognised as configuration."""
    (tmp_path / "file").write_text(text)
    done = tfcert("check", tmp_path / "file", *DAY)
    assert done.returncode == 2
    assert b"looks like Terraform configuration" in done.stderr


def with_more(document, more, depth=8):
    """Return a document with another property in every object; attributes are left alone."""
    match document:
        case dict():
            inner = {
                name: value
                if name in ATTRIBUTES or not depth
                else with_more(value, more, depth - 1)
                for name, value in document.items()
            }
            return inner | more if inner.keys() & KNOWN else inner
        case list():
            return [with_more(one, more, depth) for one in document]
        case _:
            return document


ATTRIBUTES = frozenset({
    "attributes", "before", "after", "after_unknown", "before_sensitive",
    "after_sensitive", "expressions", "outputs", "output_changes", "config_values", "identity",
    "before_identity", "after_identity", "sensitive_values", "sensitive_attributes",
})  # fmt: skip
# One of the properties of each object whose form is published.
KNOWN = frozenset({
    "format_version", "lineage", "actions", "address", "root_module", "resources", "instances",
    "schema_version", "provider_config", "reason", "triggering_resource_address",
})  # fmt: skip


@pytest.mark.parametrize("more", [{"future": {"a": [1, None]}}, {"future": None}, {"zone": "x"}])
def test_what_a_newer_version_adds_is_ignored(read, fixtures, more):
    """A property that a later minor version may add, in any object, changes nothing."""
    documents = sorted((fixtures / "versions").glob("*.json")) + sorted(
        (fixtures / "versions").glob("*.tfstate")
    )
    for path in documents:
        found = json.loads(path.read_bytes())
        newer = with_more(found, more)
        assert newer != found
        assert read(newer, path.name) == read(found, path.name), path.name
