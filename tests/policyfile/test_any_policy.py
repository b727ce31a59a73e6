"""Properties under every valid policy: I4, and that an expired certificate stays an error."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from test_policy_schema import fitting, tables

from checker.analysis.cases import build_cases
from checker.errors import UsageError
from checker.model.address import parse
from checker.model.inventory import Document, Inventory, Source
from checker.model.observation import Observations
from checker.model.outcome import Outcome, Verdict
from checker.model.places import Place
from checker.model.policy import Policy
from checker.model.resources import Certificate, Presents, Stage, StageKind
from checker.model.severity import FailOn, Severity
from checker.policyfile.resolve import read_policy
from checker.policyfile.schema import POLICY, VALUES
from checker.rules import judge

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOME = Place("aws", "123456789012", "eu-west-1")
CERTIFICATE = "aws_api_gateway_client_certificate.orders"


WEIGHTS = st.fixed_dictionaries(
    {}, optional={name: fitting(shape) for name, shape in VALUES["rules"].keys.items()}
)


@st.composite
def policies(draw):
    """Draw a policy in which many rules have severities, globally and in each scope."""
    made = draw(tables(POLICY))
    for table in (made, *made.get("scope", ())):
        table["rules"] = draw(WEIGHTS)
    return made


def toml(value):
    """Return a value as TOML on one line."""
    match value:
        case dict():
            return (
                "{"
                + ", ".join(f"{json.dumps(key)} = {toml(entry)}" for key, entry in value.items())
                + "}"
            )
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case _:
            return json.dumps(value)


def read(made):
    """Return the policy, or None if its values contradict each other."""
    made.pop("extends", None)
    try:
        return read_policy(
            "x.toml", "\n".join(f"{key} = {toml(value)}" for key, value in made.items()).encode()
        )
    except UsageError:
        return None


def run(policy: Policy, left: float | None) -> Outcome:
    """Return the outcome of a state with one certificate that every example condition may match."""
    end = NOW + timedelta(days=left) if left is not None else None
    own = Certificate(
        address=parse(CERTIFICATE),
        id="a1b2c3",
        place=HOME,
        expires_at=end,
        tags=(("environment", "prod"),),
    )
    stage = Stage(
        address=parse("module.legacy.aws_api_gateway_stage.s"),
        kind=StageKind.REST,
        api_id="api",
        name="dev1",
        place=HOME,
        presents=Presents("a1b2c3"),
        api_name="orders",
    )
    document = Document(
        source=Source(path="s", kind="state"),
        stages=(stage,),
        certificates=(own,),
        workspace="prod",
        directory="live/eu",
    )
    cases = build_cases(
        Inventory(documents=(document,)), Observations(asked=False), as_of=NOW, policy=policy
    )
    return Outcome(cases=cases, findings=judge(cases), rotations=())


@settings(max_examples=400)
@given(policies())
def test_i4_no_policy_makes_clean_what_was_not_checked(made):
    """I4: under no policy is a certificate with an unknown end clean."""
    policy = read(made)
    if policy is not None:
        found = run(policy, None)
        assert found.verdict is not Verdict.CLEAN
        assert (found.exit_code == 3) or any(
            one.rule.startswith("exemption") for one in found.findings
        )


@settings(max_examples=400)
@given(policies())
def test_no_policy_hides_a_certificate_that_has_ended(made):
    """Under each policy an expired certificate is an unsuppressed error; only `fail_on = "never"`
    changes the exit code.
    """
    policy = read(made)
    if policy is None:
        return
    found = run(policy, -1)
    (ended,) = [one for one in found.findings if one.rule == "certificate-expired"]
    assert (ended.severity, ended.suppression) == (Severity.ERROR, None)
    fails = {policy.fail_on, *(dict(scope.values).get("fail_on") for scope in policy.scopes)}
    assert found.verdict is Verdict.FINDINGS
    assert found.exit_code == 1 or FailOn.NEVER in fails
