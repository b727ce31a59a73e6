"""The policy check for Atlantis, run and evaluated as Atlantis does."""

from __future__ import annotations

import re

import pytest
from pipeline import PLANS
from runner import load

SERVER = "docs/gates/atlantis/repos.yaml"


def stops(said):
    """Return whether Atlantis stops for this output, by its code at 078d0a82."""
    return (
        not said
        or said.startswith("FAIL")
        or bool(re.search(r'[1-9][0-9]* failure|failures": \[', said))
    )


def stopped_before(said):
    """Return whether earlier versions, as documented, stop for this output."""
    return not said or "fail" in said.lower()


@pytest.fixture
def check(machine):
    """Return a function that runs the `run` step with `sh -c` and the variables of Atlantis."""
    steps = load(SERVER)["workflows"]["tfcert"]["policy_check"]["steps"]
    assert [step if isinstance(step, str) else next(iter(step)) for step in steps] == [
        "show",
        "run",
    ]

    def run(plan, *, shown=True, **more):
        here = machine(plan)
        show_file = here.root / "default workspace.json"
        if shown:
            show_file.write_bytes(here.plan.read_bytes())
        return here.run(
            "sh", "-c", steps[1]["run"], SHOWFILE=str(show_file), DIR=str(here.root), **more
        )

    return run


@pytest.mark.parametrize("plan", PLANS)
def test_findings_stop_and_a_pass_passes_in_every_version(check, plan):
    """A failing plan is stopped and a passing one is not, in every version of Atlantis."""
    done = check(plan)
    assert done.code == 0, done.said
    assert (stops(done.said), stopped_before(done.said)) == ((bool(PLANS[plan]),) * 2)


def test_i4_what_could_not_be_checked_stops(check):
    """I4: an inconclusive check stops the plan."""
    done = check("shared-2-repoint", offline=False)
    assert (stops(done.said), stopped_before(done.said)) == (True, True)
    assert done.said.startswith("FAIL: tfcert stops this plan with exit code 3\n")
    assert "not verified" in done.said


def test_a_plan_that_was_not_shown_stops(check):
    """Without the `show` step the check is exit code 2 and stops the plan."""
    done = check("shared-2-repoint", shown=False)
    assert (done.code, stops(done.said)) == (2, True)


def test_a_server_without_tfcert_stops(check):
    """Without tfcert on the server the check stops the plan."""
    done = check("shared-2-repoint", PATH="/usr/bin:/bin")
    assert (done.code, stops(done.said)) == (127, True)


def test_a_pass_with_a_word_that_atlantis_misreads_still_passes(machine):
    """A passing report whose text has the word "fail" still passes, because the word is
    broken up.
    """
    here = machine("shared-2-repoint")
    here.command(
        "tfcert",
        "#!/bin/sh\necho 'tfcert: clean'\necho 'aws_api_gateway_stage.failover: 3 failures'\n",
    )
    done = here.run(
        "sh",
        "-c",
        load(SERVER)["workflows"]["tfcert"]["policy_check"]["steps"][1]["run"],
        SHOWFILE="x",
        DIR=".",
    )
    assert (done.code, stops(done.said), stopped_before(done.said)) == (0, False, False)
    assert "aws_api_gateway_stage.f-ailover: 3 f-ailures" in done.said


def test_the_configuration_has_the_keys_that_atlantis_reads():
    """The server enables the custom check; a repository can only enable it too, without its own
    workflow.
    """
    server, repository = load(SERVER), load("docs/gates/atlantis/atlantis.yaml")
    (repo,) = server["repos"]
    assert (repo["policy_check"], repo["custom_policy_check"], repo["workflow"]) == (
        "true",
        "true",
        "tfcert",
    )
    assert "tfcert" in server["workflows"]
    assert repository["version"] == "3"
    assert "workflows" not in repository
    assert all(
        project["custom_policy_check"] == "true" and "workflow" not in project
        for project in repository["projects"]
    )
