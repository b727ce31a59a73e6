"""The gates that are there to be copied: each file is what its reader takes, and its shell does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GATES = ROOT / "docs/gates"
# What Atlantis takes for a failure, beside empty output: its code, server/events/models.
ATLANTIS_FAILS = re.compile(r"\A\s*\Z|\AFAIL|[1-9][0-9]* failure|failures\": \[")
FINDINGS, CLEAN = "single-replace", "shared-1-introduce"


def scripts():
    """Every piece of shell of every gate, by where it stands."""
    yield from ((f"action.yml: {step['name']}", step["run"]) for step in ACTION["runs"]["steps"])
    for path in sorted(GATES.glob("github-*.yml")):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            yield from ((f"{path.name}: {step['name']}", step["run"]) for step in job["steps"] if "run" in step)
    yield "gitlab-ci.yml", "\n".join(GITLAB[".tfcert"]["script"])
    yield "atlantis.sh", (GATES / "atlantis.sh").read_text()
    yield "spacelift.yml", "\n".join(SPACELIFT["stack_defaults"]["after_plan"])
    yield from (("Jenkinsfile", text) for text in jenkins())


def jenkins():
    return re.findall(r"'''(.*?)'''", (GATES / "Jenkinsfile").read_text(), re.DOTALL)


ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
GITLAB = yaml.safe_load((GATES / "gitlab-ci.yml").read_text())
SPACELIFT = yaml.safe_load((GATES / "spacelift.yml").read_text())
SCRIPTS = list(scripts())


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("github-actions", ROOT / "action.yml"),
        *(("github-workflows", path) for path in sorted(GATES.glob("github-*.yml"))),
        ("gitlab-ci", GATES / "gitlab-ci.yml"),
    ],
    ids=lambda given: getattr(given, "name", given),
)
def test_a_file_is_valid_by_the_schema_of_its_reader(schema, path):
    """The published schemas, as check-jsonschema carries them."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hooks_are_valid_for_pre_commit():
    """By pre-commit itself."""
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("where", "script"), SCRIPTS, ids=[where for where, _ in SCRIPTS])
def test_every_script_is_shell_and_no_foreign_text_is_code_in_it(where, script):
    """What comes from a pull request stands in variables, never in the text of a script."""
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "${{" not in script


def test_workflows_ask_for_no_more_than_they_need():
    """The one that runs what a stranger wrote may only read; the one that writes checks nothing out."""
    check = yaml.safe_load((GATES / "github-fork-check.yml").read_text())
    comment = yaml.safe_load((GATES / "github-fork-comment.yml").read_text())
    assert check["permissions"] == {"contents": "read"}
    assert comment["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert not any("checkout" in step.get("uses", "") for step in comment["jobs"]["comment"]["steps"])
    assert comment[True]["workflow_run"]["workflows"] == [check["name"]]


def test_workflows_give_the_action_inputs_that_it_has_and_read_outputs_that_it_has():
    """By name."""
    for path in GATES.glob("github-*.yml"):
        text = path.read_text()
        for job in yaml.safe_load(text)["jobs"].values():
            for step in job["steps"]:
                if step.get("uses", "").startswith("tfcert/"):
                    assert set(step["with"]) <= set(ACTION["inputs"])
        assert set(re.findall(r"steps\.tfcert\.outputs\.([\w-]+)", text)) <= set(ACTION["outputs"])


class Composite:
    """The steps of action.yml, run one after the other as the runner of GitHub does."""

    def __init__(self, machine, **inputs):
        self.machine = machine
        self.inputs = {name: entry.get("default", "") for name, entry in ACTION["inputs"].items()} | inputs
        self.outputs, self.log, self.errors = {}, "", ""

    def value(self, text):
        known = {f"inputs.{name}": given for name, given in self.inputs.items()}
        known |= {f"steps.judge.outputs.{name}": given for name, given in self.outputs.items()}
        known |= {"github.action_path": str(ROOT), "github.token": ""}
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known.get(found[1], ""), str(text))

    def run(self, planned=CLEAN, **environment):
        shutil.copy(ROOT / "fixtures/acceptance" / planned / "plan.json", self.machine.work / "plan.json")
        output = self.machine.work.parent / "output"
        runner = {"RUNNER_TEMP": str(self.machine.work.parent), "GITHUB_OUTPUT": str(output), "GITHUB_ACTIONS": "true"}
        for step in ACTION["runs"]["steps"]:
            wanted = re.fullmatch(r"inputs\.([\w-]+) == 'true'", step.get("if", "inputs.python == 'true'"))
            if "if" in step and self.inputs[wanted[1]] != "true":
                continue
            own = {name: self.value(self.value(text)) for name, text in step.get("env", {}).items()}
            done = self.machine.run(step["run"], planned=planned, **{**runner, **environment, **own})
            self.log, self.errors = self.log + done.stdout, self.errors + done.stderr
            if output.exists():
                self.outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
            if done.returncode:
                return done.returncode
        return 0


def test_the_action_installs_itself_judges_and_gates(machine):
    """From its own checkout; findings fail the job, and the outputs are there for whoever reads on."""
    action = Composite(machine, sources="plan.json", config=".")
    assert action.run(FINDINGS) == 1
    assert f"-m pip install --quiet --disable-pip-version-check {ROOT}[comment]" in machine.asked()
    assert action.outputs == {
        "exit-code": "1",
        "verdict": "findings",
        "errors": action.outputs["errors"],
        "warnings": "0",
        "notes": "0",
        "certificates": "2",
        "stages": "4",
        "json": "tfcert-out/tfcert.json",
        "sarif": "tfcert-out/tfcert.sarif",
    }
    assert int(action.outputs["errors"]) > 0
    assert set(action.outputs) == set(ACTION["outputs"])
    assert "::error file=" in action.log
    assert json.loads((machine.work / "tfcert-out/tfcert.sarif").read_text())["version"] == "2.1.0"


def test_the_action_lets_a_rotation_pass(machine):
    """And holds it to its phase where that is asked for."""
    action = Composite(machine, sources="plan.json\n", config=".", options="--expect=introduce\n")
    assert action.run() == 0
    assert action.outputs["verdict"] == "clean"
    assert Composite(machine, sources="plan.json", config=".", options="--expect=retire").run() == 1


@pytest.mark.parametrize(("planned", "offline", "code"), [(CLEAN, "", 3), (FINDINGS, "2026-11-24", 1)])
def test_the_action_can_leave_the_judgement_to_others(machine, planned, offline, code):
    """With `fail` false the exit code is an output; what could not be checked is 3 there too."""
    action = Composite(machine, sources="plan.json", config=".", fail="false")
    assert action.run(planned, offline=offline) == 0
    assert action.outputs["exit-code"] == str(code)


def test_the_action_stops_where_tfcert_cannot_run(machine):
    """Whatever `fail` says: there is no outcome to leave to anybody."""
    assert Composite(machine, sources="nowhere.json", fail="false").run() == 2


@pytest.mark.parametrize("sources", ["$(touch pwned)", "`touch pwned`", "a; touch pwned", '"; touch pwned; "', "--help"])
def test_inputs_of_the_action_are_data(machine, sources):
    """A name of a file is a name of a file."""
    assert Composite(machine, sources=sources, config="").run() == 2
    assert not (machine.work / "pwned").exists()


@pytest.mark.parametrize("token", ["writes", "reads", "invalid"])
def test_the_action_comments_where_it_may(machine, github_server, token):
    """Where it may not, or the token is none, the judgement stays what it is."""
    environment = {
        "GITHUB_API_URL": github_server.url,
        "GITHUB_REPOSITORY": "octo-org/gateway",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_STEP_SUMMARY": str(machine.work / "summary.md"),
    }
    action = Composite(machine, sources="plan.json", config=".", comment="true", token=token, artifact="tfcert")
    assert action.run(FINDINGS, **environment) == 1
    assert len(github_server.bodies()) == (token == "writes")
    assert ("comment created: http" in action.log) == (token == "writes")
    assert ("the comment could not be written" in action.log) == (token == "invalid")
    assert action.log.count("::error file=") == int(action.outputs["errors"])
    assert (machine.work / "summary.md").read_text().count("### tfcert") == 1


@pytest.mark.parametrize(("planned", "offline", "code"), [(CLEAN, "2026-11-24", 0), (FINDINGS, "2026-11-24", 1), (CLEAN, "", 3)])
def test_gitlab_s_job_ends_as_the_check_and_comments(machine, gitlab_server, planned, offline, code):
    """With its reports written; the comment changes nothing of the exit code."""
    shutil.copy(ROOT / "fixtures/acceptance" / planned / "plan.json", machine.work / "plan.json")
    job = GITLAB[".tfcert"]
    environment = {name: str(text) for name, text in job["variables"].items()}
    runner = {"CI_API_V4_URL": gitlab_server.url, "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7", "GITLAB_TOKEN": "writes"}
    done = machine.run("\n".join(job["script"]), planned=planned, offline=offline, **environment, **runner)
    assert done.returncode == code, done.stderr
    (body,) = gitlab_server.bodies()
    assert f"### tfcert: {({0: 'clean', 1: 'findings', 3: 'inconclusive'})[code]}" in body
    for name in (*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()):
        assert (machine.work / name).stat().st_size > 0
    without = machine.run("\n".join(job["script"]), planned=planned, offline=offline, **environment)
    assert without.returncode == code


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    ("planned", "offline", "passes"), [(CLEAN, "2026-11-24", True), (FINDINGS, "2026-11-24", False), (CLEAN, "", False)]
)
def test_atlantis_is_told_in_its_own_way(machine, planned, offline, passes, shell):
    """What its code takes for a failure is there on failure and not on success; the exit code is for errors alone."""
    path = ROOT / "fixtures/acceptance" / planned / "plan.json"
    done = machine.run((GATES / "atlantis.sh").read_text(), shell=(shell,), planned=planned, offline=offline, SHOWFILE=str(path))
    assert done.returncode == 0
    assert (ATLANTIS_FAILS.search(done.stdout) is None) == passes
    broken = machine.run((GATES / "atlantis.sh").read_text(), shell=(shell,), SHOWFILE="nowhere.json")
    assert broken.returncode == 2
    assert broken.stdout.startswith("FAIL")


def test_a_name_does_not_make_a_success_a_failure_for_atlantis(machine):
    """Nor does the success say nothing."""
    state = (ROOT / "fixtures/readme/terraform.tfstate").read_text().replace('"live"', '"7 failure"')
    (machine.work / "named.json").write_text(state)
    done = machine.run(
        (GATES / "atlantis.sh").read_text().replace("--config .", ""), shell=("sh",), SHOWFILE="named.json", offline="2026-10-20"
    )
    assert "7 f-ailure" in done.stdout
    assert ATLANTIS_FAILS.search(done.stdout) is None, done.stdout
    assert done.stdout.startswith("tfcert: passed")


def test_atlantis_s_configuration_runs_it():
    """In a policy check of one's own."""
    server = yaml.safe_load((GATES / "atlantis.yaml").read_text())
    assert server["repos"][0]["custom_policy_check"] is True
    steps = server["workflows"][server["repos"][0]["workflow"]]["policy_check"]["steps"]
    assert steps == ["show", {"run": "tfcert-policy-check"}]


@pytest.mark.parametrize("planned", [CLEAN, FINDINGS])
def test_spacelift_gets_an_object_and_the_run_goes_on(machine, planned):
    """The judgement is that of the plan policy."""
    (hook,) = (" && ".join(f"{{ {line}; }}" for line in SPACELIFT["stack_defaults"]["after_plan"]),)
    done = machine.run(hook, planned=planned)
    assert done.returncode == 0
    outcome = json.loads((machine.work / "tfcert.custom.spacelift.json").read_text())
    assert isinstance(outcome, dict)
    policy = (GATES / "spacelift.rego").read_text()
    asked = set(re.findall(r"(?:outcome|found)\.(\w+)", policy))
    assert asked <= set(outcome) | {"rule", "message", "severity", "suppression"}


@pytest.mark.parametrize(("planned", "code"), [(CLEAN, 0), (FINDINGS, 2)])
def test_make_applies_nothing_that_tfcert_stops(machine, planned, code):
    """make's own exit code for a recipe that failed is 2."""
    shutil.copy(GATES / "Makefile", machine.work)
    done = machine.run("make apply", planned=planned)
    assert done.returncode == code, done.stderr
    assert any(line.startswith("apply") for line in machine.asked()) == (code == 0)
    held = machine.run("make gate OPTIONS=--expect=retire", planned=planned)
    assert held.returncode == 2


@pytest.mark.parametrize(("planned", "code"), [(CLEAN, 0), (FINDINGS, 1)])
def test_jenkins_steps_plan_and_judge(machine, planned, code):
    """The exit code is what the pipeline's script decides by."""
    plan, check = jenkins()
    assert machine.run(plan, shell=("sh", "-xe"), planned=planned).returncode == 0
    assert machine.run(check, shell=("sh", "-xe"), planned=planned).returncode == code
    assert (machine.work / "tfcert.xml").exists()
    text = (GATES / "Jenkinsfile").read_text()
    assert text.count("{") == text.count("}")


def test_the_hook_for_states_judges_each_of_them(machine):
    """With the files that changed as its arguments."""
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    state = ROOT / "fixtures/readme/terraform.tfstate"
    done = machine.run(f"{hooks['tfcert-state']['entry']} --as-of 2026-11-24 {state}", offline="")
    assert done.returncode == 1
    assert re.search(hooks["tfcert-state"]["files"], state.name)
    assert "certificate-expiring" in done.stdout


def test_the_recipe_for_forks_comments_on_what_github_says(machine, github_server):
    """The second workflow's own script, with the event that GitHub gives it and an outcome that a stranger handed over."""
    workflow = yaml.safe_load((GATES / "github-fork-comment.yml").read_text())
    (step,) = [step for step in workflow["jobs"]["comment"]["steps"] if "run" in step]
    handed = machine.work / "handed-over"
    handed.mkdir()
    shutil.copy(ROOT / "fixtures/acceptance" / FINDINGS / "plan.json", machine.work)
    made = machine.run("tfcert check plan.json --config . --patches --format json=handed-over/tfcert.json", planned=FINDINGS)
    assert made.returncode == 1
    started = {"id": 5, "head_sha": "1" * 40, "head_branch": "x", "head_repository": {"owner": {"login": "stranger"}}}
    (machine.work / "event.json").write_text(json.dumps({"workflow_run": started}))
    github_server.heads = {"stranger:x": [(7, "1" * 40)]}
    environment = {
        "RUNNER_TEMP": str(machine.work.parent),
        "GITHUB_TOKEN": "writes",
        "GITHUB_API_URL": github_server.url,
        "GITHUB_REPOSITORY": "octo-org/gateway",
        "GITHUB_EVENT_PATH": "event.json",
    }
    done = machine.run(step["run"], **environment)
    assert done.returncode == 0, done.stderr
    (body,) = github_server.bodies()
    assert "### tfcert: findings" in body
    (handed / "tfcert.json").write_text('{"schema": "something else"}')
    assert machine.run(step["run"], **environment).returncode == 1
