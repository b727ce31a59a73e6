"""`tfcert doctor --report` and `tfcert --version --verbose`: what a bug needs, and nothing of the user's world."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.cli.first_steps.bug_report import bug_report
from checker.cli.first_steps.doctor_line import DoctorLine, Health
from checker.cli.first_steps.examine import DoctorRequest
from checker.terraform.tool import Wanted

STATE = "terraform.tfstate"
ENVIRONMENT = {
    "HOME": "/home/zoltan",
    "USER": "zoltan",
    "AWS_PROFILE": "globex-prod",
    "AWS_SECRET_ACCESS_KEY": "hunter2hunter2",
    "TF_VAR_globex_password": "hunter2hunter2",
    "GITHUB_TOKEN": "ghs_hunter2hunter2",
    "SHELL": "/bin/globexsh",
}
PRIVATE = re.compile(r"globex|zoltan|hunter2|\d{12}", re.IGNORECASE)


def request(**given):
    plain = {
        "source": ".",
        "config": None,
        "policy": None,
        "profile": None,
        "role_arn": None,
        "region": None,
        "timeout": 20.0,
        "wanted": Wanted(),
        "run_tools": False,
    }
    return DoctorRequest(**plain | given)


def reported(text, remedy="", **given):
    line = DoctorLine(about="state", health=Health.ERROR, text=text, remedy=remedy)
    return bug_report([line], request(**given), ENVIRONMENT)


TEXTS = [
    "account 123456789012, arn:aws:sts::123456789012:assumed-role/globex-admin/zoltan",
    "arn:aws:s3:::globex-states is not readable",
    "/home/zoltan/infra/globex/main.tf:12: cannot be parsed",
    "../globex/tfcert.toml: 2: unknown key 'globex_days' (did you mean \"globex\"?)",
    "~/globex/state.json: is not a plan; s3://globex-states/prod/terraform.tfstate",
    "GetStages in region us-east-1 (endpoint proxy.globex.example:8443) failed",
    "the role arn:aws-cn:iam::123456789012:role/globex could not be assumed",
    'module.globex[0].aws_api_gateway_stage.orders["globex"] has no id',
    "aws_api_gateway_client_certificate.globex: moved",
    "the state is in a backend or encrypted (globex_backend.tf)",
    "pass globex.tfstate or globex-plan.bin, or write to zoltan@globex.example",
    "the AWS profile globex-prod is not configured",
    "https://user:hunter2@proxy.globex.example/x?token=hunter2 was not found",
]


@pytest.mark.parametrize("text", TEXTS)
def test_no_name_of_the_user_is_in_a_report(text):
    """Accounts, ARNs, paths, hosts, buckets, resources, quoted words and profiles are masked, in text and remedy."""
    assert PRIVATE.search(text)
    assert not PRIVATE.search(reported(text, remedy=text))


def test_an_option_is_named_and_its_value_is_not():
    """So it is with the source, the folder, the policy, the profile, the role and the tool."""
    given = {
        "source": "globex.plan",
        "config": "globexlive",
        "policy": "globexpolicy",
        "profile": "globex",
        "role_arn": "arn:aws:iam::123456789012:role/globex",
        "wanted": Wanted(name="globextofu"),
    }
    text = reported(
        f"read {' and '.join(map(str, list(given.values())[:4]))} by globextofu", **given
    )
    assert not PRIVATE.search(text)
    assert "options: --config, --policy, --profile, --role-arn, --tool, SOURCE" in text


def test_what_a_bug_needs_is_kept():
    """The words of the error, the file of tfcert's own that a remedy names, the region, the number of days."""
    text = reported(
        "GetStage in region us-east-1 was denied: the credentials lack apigateway:GET",
        remedy="allow it; see policies/iam/check.json, or write tfcert.toml with 30 days",
    )
    assert "GetStage in region us-east-1 was denied: the credentials lack apigateway:GET" in text
    assert "see policies/iam/check.json, or write tfcert.toml with 30 days" in text
    assert "set: AWS_PROFILE, AWS_SECRET_ACCESS_KEY, GITHUB_TOKEN\n" in text


def test_an_account_has_one_number_throughout():
    """Two accounts stay two, and the same one stays the same."""
    text = reported("of 111111111111, not 222222222222", remedy="use 111111111111")
    assert "of <account 1>, not <account 2>" in text
    assert "use <account 1>" in text


@given(st.text(max_size=60))
def test_no_text_leaves_its_block(text):
    """Whatever a message has, the report has three blocks, and the message ends none of them."""
    html = cmarkgfm.github_flavored_markdown_to_html(
        reported(f"{text} ```\n# heading", remedy=text)
    )
    assert html.count("<pre") == 3
    assert html.count("<h1") == 1


def test_a_real_run_masks_the_machine(tfcert, story, fixtures):
    """Nothing of the folder, the home or the account of a state is printed, and the exit code is that of the doctor."""
    secrets = {"AWS_SECRET_ACCESS_KEY": "hunter2hunter2", "USER": "zoltan"}
    for source, code in ((STATE, 0), ("gone.tfstate", 2)):
        done = tfcert("doctor", "--report", "--offline", source, cwd=story, environment=secrets)
        text = done.stdout.decode()
        assert done.returncode == code
        assert f"tfcert {version('tfcert')}, Python " in text
        assert str(story.parent) not in text
        assert not re.search(r"hunter2|zoltan|\d{12}", text)


@pytest.mark.parametrize("order", [("--version", "--verbose"), ("--verbose", "-V")])
def test_the_versions_of_libraries_are_listed(tfcert, order):
    """In either order of the two options; each library that tfcert needs, and the extras."""
    done = tfcert(*order)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert text.startswith(f"tfcert {version('tfcert')}, Python ")
    for name in ("boto3", "typer", "msgspec", "obstore", "moto"):
        assert re.search(rf"\b{name} {re.escape(version(name))}\b", text), name
    assert re.search(r"^cache +/.*, \d+ files$", text, re.MULTILINE)


def test_the_version_alone_is_one_line(tfcert):
    """Scripts read it."""
    assert tfcert("--version").stdout.decode() == f"tfcert {version('tfcert')}\n"


def test_verbose_without_version_is_a_mistake(tfcert):
    """A command has its own --verbose; the message says where it goes."""
    done = tfcert("--verbose", "check")
    assert done.returncode == 2
    assert (
        done.stderr
        == b"tfcert: error: --verbose: is only for --version here (give it after the command)\n"
    )


def test_the_versions_start_no_program():
    """Python's own audit sees no process and no file that is written."""
    watch = (
        "import sys\n"
        "def seen(event, values):\n"
        "    if event in ('subprocess.Popen', 'os.posix_spawn', 'os.system', 'socket.connect'):\n"
        "        raise SystemExit(f'{event} {values}')\n"
        "    if event == 'open' and isinstance(values[1], str) and set(values[1]) & set('wax+'):\n"
        "        raise SystemExit(f'{event} {values}')\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(seen)\n"
        "sys.argv = ['tfcert', '--version', '--verbose']\n"
        "from checker.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
