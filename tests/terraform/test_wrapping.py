"""Text around a document, or instead of one, is recognized by the program that prints it."""

from __future__ import annotations

import base64
import json

import pytest

from checker.errors import UnreadableError
from checker.terraform.load import read_document, read_source

PLAN = '{"format_version":"1.2","planned_values":{"root_module":{}},"resource_changes":[],"variables":{"x":{"value":"hunter2"}}}'
TWICE = json.dumps(PLAN)


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        (
            "[command]/w/terraform-bin show -json p\n" + PLAN + "\n::debug::exitcode: 0\n",
            "before.*after.*setup-terraform",
            "wrapper: false",
        ),
        (
            PLAN + "\n::debug::stdout: 5\n",
            "text after the JSON.*setup-terraform",
            "terraform_wrapper: false",
        ),
        (
            "\n::error::Terraform exited with code 1.\n",
            "contains no JSON.*Terraform failed",
            "write the document again",
        ),
        ("16:14:46.042 STDOUT terraform: " + PLAN, "before.*Terragrunt", "--tf-forward-stdout"),
        ("16:14:46.042 STDOUT [unit] tofu: " + PLAN, "before.*Terragrunt", "--tf-forward-stdout"),
        (
            "╷\n│ Warning: Value for undeclared variable\n╵\n" + PLAN,
            "before.*a warning or an error of Terraform",
            "2>&1",
        ),
        ("\x1b[0m\x1b[1m" + PLAN + "\x1b[0m", "codes of colours", "-no-color"),
        (PLAN + "\n" + PLAN, "a second JSON document", "file of its own"),
        (
            PLAN + "\nReleasing state lock. This may take a few moments...",
            "after.*another command of Terraform",
            "elsewhere",
        ),
        (
            "Preparing the remote plan...\n" + PLAN,
            "before.*another command of Terraform",
            "elsewhere",
        ),
        ("+ terraform show -json p\n" + PLAN, "before.*set -x", r"set \+x"),
        ("make[1]: Entering directory\n" + PLAN, "before.*make", "--no-print-directory"),
        ("> infra@1.0.0 plan\n> terraform\n" + PLAN, "before.*npm or yarn", "--silent"),
        ("terraform-1  | " + PLAN, "before.*docker compose", "run --rm -T"),
        ("```json\n" + PLAN + "\n```", "before.*after.*Markdown", "without the lines"),
        ("2026-11-24T10:00:00.123Z " + PLAN, "before.*a log", "artifact"),
        (f"'{PLAN}'", "in quotation marks", "redirect"),
        (f'"{PLAN}"', "in quotation marks|inside a JSON string", "redirect|jq -r"),
        (TWICE, "inside a JSON string", "jq -r"),
        (f"[{PLAN}]", "an array with a document in it", r"jq '.\[0\]'"),
        (f"[{PLAN},{PLAN}]", "an array of 2 documents", "file of its own"),
        (
            '[{"@level":"info","type":"version"}]',
            "an array of the lines of the log of `terraform plan -json`",
            "-out=PLANFILE",
        ),
        (
            '{"type":"version","@level":"info"}\n{"@level":"info"}\n',
            "is the log of `terraform plan -json`",
            "-out=PLANFILE",
        ),
        (f'{{"plan": {PLAN}}}', "as its property `plan`", "jq .plan FILE"),
        (f'{{"stdout": {TWICE}}}', "as its property `stdout`", "jq -r .stdout FILE"),
        (
            f'{{"time":"t","level":"stdout","msg":{TWICE}}}',
            "line of a log in JSON whose `msg`",
            "jq -r .msg FILE",
        ),
        (
            "Error: No such plan\n\nIt is not here.\n",
            "“Error: No such plan”: It is not here",
            "write the document again",
        ),
        (base64.b64encode(PLAN.encode()).decode(), "JSON in base64", "base64 -d"),
        ("<!DOCTYPE html><html></html>", "a web page", "download"),
        ("version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS", "git lfs pull"),
        ("apiVersion: v1\nkind: Pod\n", "is YAML", "pass a plan"),
        ("digraph G {}", "a graph", "pass a plan"),
        (f"[{PLAN}", "expected object, found array", "write the document again"),
    ],
)
def test_where_the_text_comes_from(read, text, says, remedy):
    """The error names the program that added text, with a remedy and without a quote."""
    with pytest.raises(UnreadableError, match=says) as error:
        read(text.encode())
    assert "hunter2" not in str(error.value)
    with pytest.raises(UnreadableError, match=remedy):
        raise UnreadableError(error.value.remedy)


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be"])
def test_utf_32(tmp_path, read_file, encoding):
    """UTF-32 is refused with a remedy, with a byte-order mark or without."""
    (tmp_path / "p").write_bytes(PLAN.encode(encoding))
    with pytest.raises(UnreadableError, match=r"is UTF-32.*iconv"):
        read_file(tmp_path / "p")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            {"$schema": "x", "contentVersion": "1.0.0.0", "resources": [{"type": "a"}]},
            "Azure Resource Manager",
        ),
        (
            {"plan_format_version": "1.2", "resource_changes": [], "provider_schemas": {}},
            "HCP Terraform redacted",
        ),
        (
            {"version": 3, "terraform_version": "1.15.0", "state_store": {"type": "x"}},
            "only names the state store",
        ),
        (
            {"version": 1, "serial": 1, "modules": [{"path": ["root"], "resources": {}}]},
            "state version 1 is of Terraform 0.11",
        ),
        (
            {
                "version": 3,
                "lineage": "l",
                "backend": {"hash": 1},
                "modules": [{"resources": {"aws_x.y": {}}}],
            },
            "state version 3 is of Terraform 0.11",
        ),
        (
            {"version": 3, "lineage": "l", "backend": {"hash": 1}, "modules": [{"resources": {}}]},
            "only remembers which backend",
        ),
        ({"version": 3, "deployment": {"manifest": {}}}, "Pulumi"),
        ({"apiVersion": "v1", "kind": "List"}, "Kubernetes"),
        ({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}}, "CloudFormation"),
        ({"$schema": "x", "version": "2.1.0", "runs": []}, "SARIF"),
        ({"schema": "tfcert.outcome/v1", "verdict": "clean"}, "report of tfcert itself"),
        ({"check_type": "terraform_plan", "results": {}}, "Checkov"),
        ({"issues": [], "errors": []}, "TFLint"),
        ({"name": "x", "version": "1", "scripts": {}}, "package.json"),
        (
            {
                "terraform_version": "1.11.4",
                "platform": "p",
                "provider_selections": {},
                "terraform_outdated": True,
            },
            "version -json",
        ),
        (
            {"a": {"sensitive": False, "type": "string", "value": "hunter2"}},
            "terraform output -json",
        ),
        ({"Modules": []}, "installed modules"),
        ({"sops": {}, "version": 4, "x": "y"}, "SOPS"),
    ],
)
def test_other_documents_are_named(read, document, says):
    """Documents of other tools are named in the error."""
    with pytest.raises(UnreadableError, match=says) as error:
        read(document)
    assert error.value.remedy
    assert "hunter2" not in str(error.value)


def test_the_command_that_printed_it_is_named(tmp_path):
    """The error names the tool's command if a wrapper on PATH adds text to the state."""
    from checker.terraform.tool import Tool

    (tmp_path / "main.tf").write_text("")
    tool = tmp_path / "terraform"
    tool.write_text(
        "#!/bin/sh\necho '"
        '{"version":4,"serial":1,"lineage":"l","resources":[]}'
        "'\necho '::debug::exitcode: 0'\n"
    )
    tool.chmod(0o755)
    found = Tool(path=str(tool), name="terraform", environment={"PATH": "/usr/bin:/bin"})
    with pytest.raises(
        UnreadableError,
        match=r"what `terraform state pull` prints there \(by .*terraform\) has text after the JSON",
    ):
        read_source(str(tmp_path), tool=found, stdin=lambda: b"")


@pytest.mark.parametrize("prefix", ["[tf] ", "state: ", "terraform> "])
def test_the_same_text_before_each_line_is_named(prefix):
    """The same text before each line, as pipelines add it, is recognized."""
    text = "".join(f"{prefix}{line}\n" for line in ("{", '  "version": 4,', '  "serial": 1', "}"))
    with pytest.raises(UnreadableError, match="the same text before each of its lines"):
        read_document("state.json", text.encode())
