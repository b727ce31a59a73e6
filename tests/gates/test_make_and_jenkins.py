"""The recipes for make and Jenkins apply only plans that tfcert passed."""

from __future__ import annotations

import re

import pytest
from pipeline import PLANS, ROOT

MAKEFILE = ROOT / "docs/gates/make/tfcert.mk"
JENKINSFILE = (ROOT / "docs/gates/jenkins/Jenkinsfile").read_text(encoding="utf-8")
# Groovy removes a backslash at the end of a line together with the line end.
SCRIPTS = [
    script.replace("\\\n", "") for script in re.findall(r"sh '''\n(.*?)'''", JENKINSFILE, re.DOTALL)
]


def applied(done):
    """Return whether `terraform apply` was called."""
    return any(call.startswith("terraform apply") for call in done.calls)


@pytest.mark.parametrize("plan", PLANS)
def test_make_applies_what_passed(machine, plan):
    """`make apply` plans, checks and applies, and stops before the apply for findings."""
    done = machine(plan).run("make", "-f", str(MAKEFILE), "apply")
    assert [call.split()[1] for call in done.calls if call.startswith("terraform")][:2] == [
        "plan",
        "show",
    ], done.said
    assert (done.code == 0, applied(done)) == ((PLANS[plan] == 0,) * 2)


def test_i4_make_does_not_apply_what_could_not_be_checked(machine):
    """I4: an inconclusive check stops make before the apply."""
    done = machine("shared-2-repoint").run("make", "-f", str(MAKEFILE), "apply", offline=False)
    assert (done.code, applied(done)) == (2, False)
    assert "Error 3" in done.said


def test_make_does_not_apply_a_plan_that_cannot_be_shown(machine):
    """A plan that cannot be shown is not applied."""
    here = machine("shared-2-repoint")
    here.plan = here.root / "empty"
    here.plan.write_text("")
    done = here.run("make", "-f", str(MAKEFILE), "apply")
    assert applied(done) is False
    assert "Error 2" in done.said


def test_make_passes_flags_on(machine):
    """GATE_FLAGS passes options such as --expect to tfcert."""
    here = machine("shared-2-repoint")
    assert here.run("make", "-f", str(MAKEFILE), "gate", "GATE_FLAGS=--expect repoint").code == 0
    assert here.run("make", "-f", str(MAKEFILE), "gate", "GATE_FLAGS=--expect retire").code == 2


@pytest.mark.parametrize("plan", PLANS)
def test_jenkins_runs_its_stages(machine, plan):
    """Jenkins's `sh` blocks return tfcert's exit code, and the JUnit file is written in
    each case.
    """
    here = machine(plan)
    planned, judged, _ = (here.run("sh", "-xe", "-c", script) for script in SCRIPTS)
    assert (planned.code, judged.code) == (0, PLANS[plan]), judged.said
    assert (here.root / "tfcert-reports/junit.xml").read_bytes().startswith(b"<?xml")


def test_i4_jenkins_fails_for_what_could_not_be_checked(machine):
    """I4: an inconclusive check fails the Jenkins stage."""
    here = machine("shared-2-repoint")
    here.run("sh", "-xe", "-c", SCRIPTS[0])
    assert here.run("sh", "-xe", "-c", SCRIPTS[1], offline=False).code == 3


def test_the_jenkinsfile_hangs_together():
    """The Jenkinsfile has balanced brackets, ordered stages, and no step that hides an
    exit code.
    """
    without_text = re.sub(r"'''.*?'''|'[^'\n]*'|//[^\n]*", "", JENKINSFILE, flags=re.DOTALL)
    depth = 0
    for character in without_text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert re.findall(r"stage\('(.*?)'\)", JENKINSFILE) == ["Plan", "Client certificates", "Apply"]
    assert "returnStatus" not in JENKINSFILE
    assert "catchError" not in JENKINSFILE
    assert JENKINSFILE.count("junit testResults") == 1
