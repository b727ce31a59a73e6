"""The policy check for Atlantis, run as Atlantis runs it and judged as Atlantis judges it."""

from __future__ import annotations

import re

import pytest
from pipeline import PLANS
from runner import load

SERVER = "docs/gates/atlantis/repos.yaml"


def stops(said):
    """Atlantis's judgement of a custom check, by its code at 078d0a82: it reads the output and nothing else."""
    return (
        not said
        or said.startswith("FAIL")
        or bool(re.search(r'[1-9][0-9]* failure|failures": \[', said))
    )


def stopped_before(said):
    """The judgement of the versions that its documentation describes: the word, anywhere, in any case."""
    return not said or "fail" in said.lower()


@pytest.fixture
def check(machine):
    """Run the one `run` step in the project's folder by `sh -c`, with the variables of a run step; the plan is what `show` left."""
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
    """A failing plan begins with FAIL, and may be approved; a passing one prints something that no version misreads."""
    done = check(plan)
    assert done.code == 0, done.said
    assert (stops(done.said), stopped_before(done.said)) == ((bool(PLANS[plan]),) * 2)


def test_i4_what_could_not_be_checked_stops(check):
    """I4: without credentials the check is inconclusive, and that is a FAIL."""
    done = check("shared-2-repoint", offline=False)
    assert (stops(done.said), stopped_before(done.said)) == (True, True)
    assert done.said.startswith("FAIL: tfcert stops this plan with exit code 3\n")
    assert "not verified" in done.said


def test_a_plan_that_was_not_shown_stops(check):
    """Without the `show` step there is no file: exit 2, and a FAIL."""
    done = check("shared-2-repoint", shown=False)
    assert (done.code, stops(done.said)) == (2, True)


def test_a_server_without_tfcert_stops(check):
    """Where tfcert is not installed nothing passes."""
    done = check("shared-2-repoint", PATH="/usr/bin:/bin")
    assert (done.code, stops(done.said)) == (127, True)


def test_a_pass_with_a_word_that_atlantis_misreads_still_passes(machine):
    """A report that passes and has the word in it, in an address say, is shown with the word broken up."""
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
    """The server turns the custom check on for the workflow; a repository may only turn it on, and brings no workflow of its own."""
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
