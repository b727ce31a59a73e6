"""`tfcert policy`, and the policy of a run: files, variables, options, scopes and exemptions."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from checker.demo.emulator import Emulator, SeedApi, SeedCertificate, access_denied
from checker.policyfile.resolve import read_policy

AS_OF = ("--offline", "--as-of", "2026-11-23")
STATE = "terraform.tfstate"
ROOT = Path(__file__).resolve().parents[2]
CERTIFICATE = "aws_api_gateway_client_certificate.backend"
EXEMPTION = f'[[exemption]]\nrule = "certificate-expiring"\naddress = "{CERTIFICATE}"\nuntil = 2026-12-01\nreason = "moved soon"\n'


@pytest.fixture
def policy(story):
    """Return a function that writes a policy file in the story's folder."""

    def write(text, name="tfcert.toml"):
        path = story / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def weights(story, outcome):
    """Return a function that checks the state and gives the findings and the exit code."""

    def check(*arguments, source=STATE, **more):
        document, code = outcome(source, *AS_OF, *arguments, cwd=story, **more)
        return [
            (one["rule"], one["severity"], one["suppression"] is not None)
            for one in document["findings"]
        ], code

    return check


def expiring(weight="error", *, suppressed=False):
    return ("certificate-expiring", weight, suppressed)


def test_what_show_prints_is_a_policy_that_says_the_same(story, policy, tfcert):
    """`policy show` prints a valid policy with the same values, each with its origin."""
    policy(
        'extends = "org/base.toml"\nmargin_days = 5\n[rules]\nstage-detached = "off"\n'
        '[[scope]]\nname = "eu"\nregion = ["eu-*", "x"]\ntags = { "a.b" = "c" }\nthreshold_days = 3\nrules.certificate-gone = "note"\n'
        f'{EXEMPTION}directory = "live/**"\n[accounts."123456789012"]\nrole = "r"\nexternal_id = "e1"\n'
    )
    policy('extends = "strict"\nthreshold_days = 20\n', "org/base.toml")
    shown = tfcert(
        "policy", "show", "--fail-on", "never", cwd=story, environment={"TFCERT_NOTICE": "77"}
    ).stdout.decode()
    origins = {
        line.partition(" =")[0]: line.partition("# ")[2]
        for line in shown.splitlines()
        if " = " in line and "# " in line
    }
    assert (origins["margin_days"], origins["threshold_days"], origins["certificate_quota"]) == (
        "tfcert.toml:2",
        "org/base.toml:2",
        origins["certificate_quota"],
    )
    assert origins["certificate_quota"].startswith("pack strict:")
    assert (origins["notice_days"], origins["fail_on"]) == ("TFCERT_NOTICE", "--fail-on")
    assert (origins["stage-detached"], origins["certificate-gone"]) == (
        "tfcert.toml:4",
        "pack default",
    )
    assert "[[scope]]  # tfcert.toml:5" in shown
    again = read_policy("shown.toml", shown.encode())
    here = read_policy(str(story / "tfcert.toml"), (story / "tfcert.toml").read_bytes())
    assert again.rules == here.rules
    assert [replace(scope, location=None) for scope in again.scopes] == [
        replace(scope, location=None) for scope in here.scopes
    ]
    assert [replace(entry, location=None) for entry in again.exemptions] == [
        replace(entry, location=None) for entry in here.exemptions
    ]
    assert (again.accounts, again.notice_days, str(again.fail_on)) == (here.accounts, 77, "never")


def test_without_a_file_the_default_pack_is_shown(story, tfcert):
    """`policy show` prints the default pack without a file, and another pack by name."""
    shown = tomllib.loads(tfcert("policy", "show", cwd=story).stdout.decode())
    assert (shown["threshold_days"], shown["name"]) == (30, "default")
    assert (
        tomllib.loads(tfcert("policy", "show", "--policy", "strict", cwd=story).stdout.decode())[
            "threshold_days"
        ]
        == 45
    )


def test_check_says_what_is_wrong_and_what_will_surprise(story, policy, tfcert):
    """`policy check` reports errors with file and line, exit code 2, and warnings with
    exit code 0.
    """
    policy(
        'untouched = "warning"\nfail_on = "warning"\n[[scope]]\nstage = "dev"\nthreshold_days = 2\nnotice_days = 5\n'
    )
    policy("extends = 'tfcert.toml'\n" + EXEMPTION.replace("2026-12-01", "2020-01-01"), "org.toml")
    fine = tfcert("policy", "check", cwd=story)
    assert fine.returncode == 0
    assert fine.stdout.decode().startswith("tfcert.toml: is a policy (scopes: 1, exemptions: 0)\n")
    assert 'untouched = "warning" changes no exit code' in fine.stdout.decode()
    assert "tfcert.toml:3: scope 1: the first word comes 5 days before" in fine.stdout.decode()
    assert (
        "ran out on 2020-01-01" in tfcert("policy", "check", "org.toml", cwd=story).stdout.decode()
    )
    policy("threshold = 3")
    wrong = tfcert("policy", "check", cwd=story)
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert (
        wrong.stderr.decode()
        == "tfcert: error: tfcert.toml:1: unknown key 'threshold' (did you mean 'threshold_days'?)\n"
    )
    assert tfcert("check", STATE, *AS_OF, cwd=story).returncode == 2
    assert tfcert("policy", "check", "absent.toml", cwd=story).returncode == 2


def test_the_schema_is_printed(tfcert):
    """`policy schema` prints the JSON schema."""
    assert json.loads(tfcert("policy", "schema").stdout)["$id"] == "urn:tfcert:policy:v1"


def test_a_notice_that_a_threshold_raises_is_not_said_to_come_from_the_line_that_says_less(
    story, policy, tfcert
):
    """A notice that a higher threshold raises is shown as following the threshold."""
    policy("threshold_days = 33\nnotice_days = 77\n")
    raised = tfcert(
        "policy", "show", cwd=story, environment={"TFCERT_THRESHOLD": "80"}
    ).stdout.decode()
    assert re.search(
        r"^notice_days = 80 +# follows threshold_days \(TFCERT_THRESHOLD\)$", raised, re.MULTILINE
    )
    said = tfcert(
        "policy", "show", "--threshold", "80", "--notice", "90", cwd=story
    ).stdout.decode()
    assert re.search(r"^notice_days = 90 +# --notice$", said, re.MULTILINE)


def test_explain_says_which_scope_holds_and_why_another_does_not(story, policy, tfcert):
    """`policy explain` says which scopes match a certificate and why others do not."""
    policy(
        '[[scope]]\nname = "live"\nstage = "live"\nthreshold_days = 20\nnotice_days = 60\n'
        '[[scope]]\nworkspace = "prod"\nthreshold_days = 50\n[[scope]]\napi = "orders"\nmargin_days = 9\n'
        + EXEMPTION
    )
    said = tfcert("policy", "explain", CERTIFICATE, "state.json", cwd=story)
    assert said.returncode == 2
    shutil.copy(story / STATE, story / "state.json")
    text = tfcert("policy", "explain", CERTIFICATE, "state.json", cwd=story).stdout.decode()
    assert f"certificate {CERTIFICATE} (rj3hhn), in state.json" in text
    assert "scope 1 'live' (tfcert.toml:1): matches" in text
    assert "scope 1 'live' (tfcert.toml:1): does not match: stage: test is not live" in text
    assert "scope 2 (tfcert.toml:6): does not match: workspace: not known, so not prod" in text
    assert "threshold_days = 30  # pack default" in text
    assert "margin_days = 9  # scope 3 (tfcert.toml:9)" in text
    assert "exempt from certificate-expiring until 2026-12-01: moved soon (tfcert.toml:12)" in text
    stage = tfcert(
        "policy", "explain", "aws_api_gateway_stage.billing", "state.json", cwd=story
    ).stdout.decode()
    assert "threshold_days = 20  # scope 1 'live' (tfcert.toml:1)" in stage
    assert "exempt from certificate-expiring" not in stage
    prod = tfcert(
        "policy", "explain", "rj3hhn", "state.json", cwd=story, environment={"TF_WORKSPACE": "prod"}
    ).stdout.decode()
    assert "scope 2 (tfcert.toml:6): matches" in prod
    assert "threshold_days = 50  # scope 2" in prod
    assert "exempt from certificate-expiring until 2026-12-01: moved soon (tfcert.toml:12)" in prod
    policy("[[scope]]\nstage = 'live'\nthreshold_days = 70\n")
    raised = tfcert(
        "policy", "explain", "aws_api_gateway_stage.billing", "state.json", cwd=story
    ).stdout.decode()
    assert "notice_days = 70  # follows threshold_days" in raised
    wrong = tfcert("policy", "explain", "aws_api_gateway_stage.biling", "state.json", cwd=story)
    assert wrong.returncode == 2
    assert b"did you mean 'aws_api_gateway_stage.billing'" in wrong.stderr


def test_options_stand_over_variables_over_scopes_over_files(story, policy, weights):
    """Options override variables, variables override scopes, and scopes override the file."""
    assert weights() == ([expiring()], 1)
    policy("threshold_days = 5\nnotice_days = 60\n")
    assert weights() == ([expiring("warning")], 0)
    policy("threshold_days = 5\nnotice_days = 60\n[[scope]]\nstage = 'test'\nthreshold_days = 14\n")
    assert weights() == ([expiring()], 1)
    assert weights(environment={"TFCERT_THRESHOLD": "6"}) == ([expiring("warning")], 0)
    assert weights(environment={"TFCERT_THRESHOLD": ""}) == ([expiring()], 1)
    assert weights("--threshold", "20", environment={"TFCERT_THRESHOLD": "6"}) == ([expiring()], 1)
    assert weights("--fail-on", "never", environment={"TFCERT_FAIL_ON": "warning"}) == (
        [expiring()],
        0,
    )
    assert weights("--threshold", "1", "--notice", "2") == ([], 0)


def test_a_variable_that_is_misspelt_or_wrong_is_an_error_and_a_strange_one_is_told(story, tfcert):
    """A misspelt or invalid TFCERT_ variable is an error; an unknown one is a warning."""

    def run(**environment):
        done = tfcert("check", STATE, *AS_OF, cwd=story, environment=environment)
        return done.returncode, done.stderr.decode()

    assert run(TFCERT_TRESHOLD="45") == (
        2,
        "tfcert: error: TFCERT_TRESHOLD: is not known (did you mean 'TFCERT_THRESHOLD'?)\n",
    )
    assert run(TFCERT_NOTICE="x")[0] == 2
    assert "TFCERT_NOTICE: notice_days is 3, below threshold_days, 30" in run(TFCERT_NOTICE="3")[1]
    assert "TFCERT_FAIL_ON" in run(TFCERT_FAIL_ON="errors")[1]
    for misspelt in ("THRESHOLD_DAYS", "NOTICE_DAYS", "FAILON", "POLICIES", "MARGINS", "TOOLS"):
        assert run(**{f"TFCERT_{misspelt}": "45"})[0] == 2
    for strange in ("VERSION", "ROLE", "CHROMIUM", "TOKEN"):
        told = f"tfcert: TFCERT_{strange} is no variable of tfcert's; it changes nothing\n"
        assert run(**{f"TFCERT_{strange}": "1.2"}) == (1, told)


def test_a_policy_is_found_upwards_named_or_a_pack(story, policy, weights, tmp_path):
    """The policy is found by --policy, TFCERT_POLICY or in a folder above; a pack is
    given by name.
    """
    policy("threshold_days = 5\n", "../tfcert.toml")
    assert weights() == ([expiring("warning")], 0)
    policy("threshold_days = 20\n", "other/named.toml")
    assert weights("--policy", "other/named.toml") == ([expiring()], 1)
    assert weights(environment={"TFCERT_POLICY": "other/named.toml"}) == ([expiring()], 1)
    assert weights("--policy", "default", environment={"TFCERT_POLICY": "other/named.toml"}) == (
        [expiring()],
        1,
    )
    assert weights("--policy", "strict", "--threshold", "5") == ([expiring("warning")], 1)


def test_a_directory_is_named_from_where_the_policy_lies(story, policy, weights, tfcert):
    """A scope's directory is relative to the policy file, wherever tfcert runs."""
    below = story / "live" / "eu"
    below.mkdir(parents=True)
    for file in story.iterdir():
        if file.is_file():
            shutil.copy(file, below / file.name)
    policy('[[scope]]\ndirectory = "live/*"\nthreshold_days = 5\n')
    assert weights(source=f"live/eu/{STATE}") == ([expiring("warning")], 0)
    assert weights() == ([expiring()], 1)
    inside = tfcert("check", STATE, *AS_OF, cwd=below)
    assert inside.returncode == 0
    piped = tfcert("check", "-", *AS_OF, cwd=below.parent, stdin=(story / STATE).read_bytes())
    assert piped.returncode == 1


def test_a_selected_workspace_is_seen(story, policy, weights):
    """A scope matches the selected workspace, or the one in the state's path."""
    policy('[[scope]]\nworkspace = "blue"\nthreshold_days = 5\n')
    own = story / "terraform.tfstate.d" / "blue"
    own.mkdir(parents=True)
    shutil.copy(story / STATE, own / STATE)
    shutil.copy(story / STATE, story / "pulled.json")
    assert weights(source=f"terraform.tfstate.d/blue/{STATE}") == ([expiring("warning")], 0)
    assert weights(source="pulled.json") == ([expiring()], 1)
    (story / ".terraform").mkdir()
    assert weights(source="pulled.json") == ([expiring()], 1)
    (story / ".terraform" / "environment").write_text("blue")
    assert weights(source="pulled.json") == ([expiring("warning")], 0)
    assert weights(source="pulled.json", environment={"TF_WORKSPACE": "green"}) == ([expiring()], 1)


def test_tags_are_read_when_a_scope_asks_for_them(story, policy, weights):
    """A scope matches the tags of a certificate; a missing tag does not match."""
    policy('[[scope]]\ntags.owner = "plat*"\nthreshold_days = 5\n')
    assert weights() == ([expiring("warning")], 0)
    policy('[[scope]]\ntags.team = "*"\nthreshold_days = 5\n')
    assert weights() == ([expiring()], 1)


def test_exemptions_of_a_policy_and_of_a_comment(story, policy, weights):
    """Exemptions in a policy or a comment: valid, expired, misspelt, too long or without
    a reason.
    """
    policy(EXEMPTION)
    assert weights() == ([expiring(suppressed=True)], 0)
    policy(EXEMPTION.replace("2026-12-01", "2026-11-01"))
    assert weights() == ([expiring(), ("exemption-expired", "warning", False)], 1)
    policy(EXEMPTION.replace("backend", "backends"))
    assert weights() == ([expiring(), ("exemption-unused", "warning", False)], 1)
    policy(EXEMPTION.replace("2026-12-01", "2026-12-24"))
    assert weights() == ([expiring(), ("exemption-invalid", "warning", False)], 1)
    (story / "tfcert.toml").unlink()
    code = (story / "certificate.tf").read_text()
    comment = '# tfcert:ignore certificate-expiring until=2026-12-01 reason="moved soon"\n'
    (story / "certificate.tf").write_text(
        code.replace(
            'resource "aws_api_gateway_client', f'{comment}resource "aws_api_gateway_client'
        )
    )
    assert weights() == ([expiring(suppressed=True)], 0)
    (story / "certificate.tf").write_text(
        code.replace(
            'resource "aws_api_gateway_client',
            '# tfcert:ignore certificate-expiring\nresource "aws_api_gateway_client',
        )
    )
    assert weights() == ([expiring(), ("exemption-invalid", "warning", False)], 1)


@pytest.fixture
def unrelated(fixtures, tmp_path, outcome):
    """Return a function that checks a recorded unrelated plan while a certificate is due."""
    shutil.copytree(fixtures / "acceptance" / "shared-1-unrelated", tmp_path / "here")
    as_of = json.loads((tmp_path / "here" / "said.json").read_text(encoding="utf-8"))["as_of"]

    def check(*arguments):
        document, code = outcome(
            "plan.json", "--offline", "--as-of", as_of, *arguments, cwd=tmp_path / "here"
        )
        return (
            {
                (one["rule"], one["severity"], one["suppression"] is not None)
                for one in document["findings"]
            },
            code,
            document["verdict"],
        )

    return tmp_path / "here", check


def test_an_unrelated_plan_is_not_failed_for_what_it_leaves_alone(unrelated):
    """With `untouched`, an unrelated plan passes; without it, it fails."""
    folder, check = unrelated
    assert check() == ({expiring()}, 1, "findings")
    (folder / "tfcert.toml").write_text('untouched = "warning"\n')
    assert check() == ({expiring("warning")}, 0, "clean")
    assert check("--fail-on", "warning") == ({expiring("warning")}, 1, "findings")
    (folder / "tfcert.toml").write_text('untouched = "note"\n')
    assert check("--fail-on", "warning") == ({expiring("note")}, 0, "clean")


def test_a_comment_exempts_in_a_plan_where_its_configuration_is_at_hand(unrelated):
    """An exemption comment applies to a plan only with --config."""
    folder, check = unrelated
    code = (folder / "config" / "certificates.tf").read_text()
    comment = '/* tfcert:ignore certificate-expiring until=2026-01-01 reason="moved soon" */\n'
    block = 'resource "aws_api_gateway_client_certificate"'
    assert block in code
    (folder / "config" / "certificates.tf").write_text(code.replace(block, comment + block))
    assert check() == ({expiring()}, 1, "findings")
    found, exit_code, _ = check("--config", "config")
    assert (found, exit_code) == ({expiring(), ("exemption-expired", "warning", False)}, 1)
    (folder / "config" / "certificates.tf").write_text(
        code.replace(block, comment.replace("2026-01-01", "LATER") + block)
    )
    assert check("--config", "config")[0] == {expiring(), ("exemption-invalid", "warning", False)}
    as_of = json.loads((folder / "said.json").read_text(encoding="utf-8"))["as_of"]
    (folder / "config" / "certificates.tf").write_text(
        code.replace(block, comment.replace("2026-01-01", as_of[:10]) + block)
    )
    assert check("--config", "config") == ({expiring(suppressed=True)}, 0, "clean")


_OF_POLICIES = (
    "tomllib",
    "tree_sitter_toml",
    "checker.analysis.scoping",
    "checker.rules.exemptions",
    "checker.policyfile.schema",
    "checker.terraform.inline_exemptions",
)


@pytest.mark.parametrize(
    ("text", "loaded"),
    [
        (None, set()),
        ("threshold_days = 5\nnotice_days = 9\n", {"tomllib", "checker.policyfile.schema"}),
        (
            "[[scope]]\nstage = 'x'\nthreshold_days = 5\n",
            {*_OF_POLICIES} - {"checker.rules.exemptions", "checker.terraform.inline_exemptions"},
        ),
    ],
    ids=["none", "values", "a scope"],
)
def test_a_run_pays_for_no_more_policy_than_it_has(story, policy, text, loaded):
    """A run imports only the policy modules that it needs."""
    if text is not None:
        policy(text)
    code = (
        "import sys; from checker.cli.app import build\n"
        f"sys.argv = ['tfcert', 'check', '{STATE}', '--offline', '--as-of', '2026-11-24']\n"
        "try: build()()\nexcept SystemExit: pass\n"
        f"print(*[name for name in {_OF_POLICIES!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=story,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert set(done.stderr.decode().splitlines()[-1].split()) == loaded


def test_check_reads_the_exemptions_of_configuration(story, tfcert):
    """`policy check` with .tf files lists their exemption comments, and reports faulty ones on
    stderr.
    """
    block = 'resource "aws_api_gateway_client_certificate" "{}" {{}}\n'
    (story / "more.tf").write_text(
        '# tfcert:ignore certificate-expiring until=2999-01-01 reason="x"\n'
        + block.format("a")
        + '\n# tfcert:ignore certificate-expiring until=2020-01-01 reason="x"\n'
        + block.format("b")
    )
    (story / "wrong.tf").write_text(
        '# tfcert:ignore certificate-expired until=2999-01-01 reason="x"\n' + block.format("c")
    )
    fine = tfcert("policy", "check", "more.tf", "certificate.tf", cwd=story)
    assert (fine.returncode, fine.stderr) == (0, b"")
    assert fine.stdout.decode().splitlines() == [
        "more.tf:1: exempts from certificate-expiring until 2999-01-01",
        "more.tf:4: exempts from certificate-expiring until 2020-01-01; careful: it ran out on 2020-01-01",
    ]
    wrong = tfcert("policy", "check", "story/wrong.tf", cwd=story.parent)
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert wrong.stderr.startswith(
        b"tfcert: error: story/wrong.tf:1: certificate-expired cannot be exempted"
    )
    assert tfcert("policy", "check", "absent.tf", cwd=story).returncode == 2


def test_what_aws_tells_is_scoped_and_exempted_too(story, policy, outcome):
    """A finding about AWS drift can be exempted and scoped; offline its exemption is not unused."""
    exempt = EXEMPTION.replace("certificate-expiring", "certificate-drifted")
    with Emulator() as aws:
        aws.seed(
            SeedCertificate(id="rj3hhn", expires_at=datetime.fromisoformat("2026-12-09T01:39:35Z")),
            SeedApi(id="lo64vzqnaj", name="orders", stages={"test": "rj3hhn", "live": "rj3hhn"}),
            SeedApi(id="tytvdpoyw3", name="billing", stages={"live": "rj3hhn"}),
        )

        def drifted(text, *arguments):
            policy(text)
            document, _ = outcome(
                STATE, "--as-of", "2026-11-24", *arguments, cwd=story, environment=aws.environment()
            )
            found = [
                one
                for one in document["findings"]
                if one["rule"].startswith(("certificate-drifted", "exemption"))
            ]
            return [(one["rule"], one["severity"], one["suppression"] is not None) for one in found]

        assert drifted("") == [("certificate-drifted", "warning", False)]
        assert drifted(exempt) == [("certificate-drifted", "warning", True)]
        assert drifted(exempt, "--offline") == []
        assert drifted(
            "[[scope]]\naccount = '123456789012'\nrules.certificate-drifted = 'note'\n"
        ) == [("certificate-drifted", "note", False)]
        assert drifted("[[scope]]\nregion = 'eu-*'\nrules.certificate-drifted = 'off'\n") == [
            ("certificate-drifted", "warning", False)
        ]
        assert drifted("[rules]\ncertificate-drifted = 'off'\n") == []
        policy("[rules]\ncertificate-unverified = 'note'\n")
        aws.faults.inject("GetClientCertificates", access_denied())
        document, code = outcome(
            STATE, "--as-of", "2026-01-01", cwd=story, environment=aws.environment()
        )
        assert (document["verdict"], code) == ("inconclusive", 3)


def test_explain_says_where_each_rule_and_setting_is_from(story, policy, tfcert):
    """`policy explain` without scopes says so, and names the origin of a rule's weight, a
    variable, and the settings of a command that differ between scopes.
    """
    shutil.copy(story / STATE, story / "state.json")

    def explain(name=CERTIFICATE, **environment):
        done = tfcert("policy", "explain", name, "state.json", cwd=story, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    policy('[rules]\ncertificate-expiring = "warning"\n')
    plain = explain(TFCERT_THRESHOLD="41")
    assert "    the policy has no scopes\n" in plain
    assert "threshold_days = 41  # TFCERT_THRESHOLD\n" in plain
    assert 'certificate-expiring = "warning"  # tfcert.toml:2\n' in plain
    policy(
        '[[scope]]\nstage = "live"\nthreshold_days = 20\nrules = {managed-twice = "error"}\n'
        'probe = {method = "GET /health"}\n[[scope]]\nstage = "test"\nprobe = {method = "HEAD /"}\n'
    )
    scoped = explain()
    assert 'managed-twice = "error"  # scope 1 (tfcert.toml:1)\n' in scoped
    assert 'probe.method = "GET /health"  # with the scopes that match: 1\n' in scoped
    assert 'probe.method = "HEAD /"  # with the scopes that match: 2\n' in scoped
    wins = explain(TFCERT_THRESHOLD="41")
    assert "threshold_days = 41  # TFCERT_THRESHOLD\n" in wins


def test_show_prints_each_key_of_an_exemption_an_account_and_a_backend(story, policy, tfcert):
    """`policy show` prints what it read, as TOML of the same values; absent keys stay absent."""
    text = (
        EXEMPTION.replace(f'address = "{CERTIFICATE}"', 'certificate_id = "abc123"')
        + 'owner = "platform"\n'
        '[accounts."123456789012"]\nrole = "arn:aws:iam::123456789012:role/a"\n'
        '[accounts."210987654321"]\nrole = "arn:aws:iam::210987654321:role/b"\n'
        'external_id = "acme-7"\n'
        '[trust.backends.orders]\nstages = "aws_api_gateway_stage.live"\nbundle = "a.pem"\n'
        'server = "nginx"\n'
    )
    policy(text)
    shown = tfcert("policy", "show", cwd=story)
    assert shown.returncode == 0, shown.stderr
    made = tomllib.loads(shown.stdout.decode())
    assert made["exemption"][0]["certificate_id"] == "abc123"
    assert made["accounts"] == tomllib.loads(text)["accounts"]
    assert made["trust"]["backends"]["orders"]["server"] == "nginx"
