"""A comment names files from the repository's root, and rules link to their pages."""

from __future__ import annotations

import json

import pytest
from documents import due, finding, named, outcome, rotation
from msgspec.structs import replace
from world import BASE, world

from checker.git import Checkout
from checker.model.policy import Policy
from checker.reports import FORMATS
from checker.reports.json_v1_read import read_document
from checker.reports.markdown import render, render_documents
from checker.reports.markdown.root_paths import by_repository


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("main.tf", "infra/prod/main.tf"),
        ("../../modules/gateway/main.tf", "modules/gateway/main.tf"),
        ("./main.tf", "infra/prod/main.tf"),
    ],
)
def test_a_module_above_the_root_module_is_named_from_the_root(file, shown):
    """A file's path is shown from the repository's root, in a finding's place and in its
    sentences.
    """
    text = f"`output all` takes the whole certificate ({file}:7)"
    document = outcome(
        folder="infra/prod",
        findings=[finding(location={"file": file, "line": 7}, message=text)],
        rotations=[rotation(phase="blocked", reason=text)],
    )
    made = render_documents(named(document))
    assert f"in `{shown}:7`" in made
    assert made.count(f"`{shown}:7`") == 4  # the headline, the rotation, the place, the message
    assert "../" not in made
    assert "folder" not in by_repository(document)


def test_a_document_without_a_folder_stays_as_it_is():
    """A document without a folder keeps its paths."""
    assert by_repository(due()) == due()


def test_the_run_s_own_markdown_names_files_as_the_comment_does(tmp_path):
    """Markdown of a run and of its JSON name files alike; the JSON has the run's folder."""
    judged = world(tmp_path, {"main.tf": BASE}).judge()
    judged = replace(judged, checkout=Checkout(root="/repo", folder="infra/prod"))
    data = FORMATS["json"].render(judged)
    assert json.loads(data)["folder"] == "infra/prod"
    read = read_document("a.json", data.encode())
    assert read["folder"] == "infra/prod"
    assert render_documents(named(read)) == render(judged)
    assert "in `infra/prod/main.tf:1`" in render(judged)
    absolute = replace(
        judged,
        findings=tuple(
            replace(each, location=replace(each.location, file="/repo/x/main.tf"))
            for each in judged.findings
        ),
    )
    assert "in `x/main.tf:1`" in render(absolute)


def test_each_rule_leads_to_its_page_where_the_user_says_where_it_is(tmp_path):
    """A known rule links to the page address that the user gives; unsafe addresses are
    not linked.
    """
    pages = "https://git.example.com/docs/rules"
    made = render_documents(named(due()), rule_pages=pages)
    assert f"[`certificate-expiring`]({pages}/certificate-expiring.md)" in made
    assert "prints the page of a rule" not in made
    odd = outcome(findings=[finding(rule="x](https://e.example)")])
    assert "](" not in render_documents(named(odd), rule_pages=pages).replace("`x](https", "")
    assert "](" not in render_documents(named(due()), rule_pages="https://e.example/a) [b](c")
    assert "`tfcert rules NAME` prints the page of a rule." in render_documents(named(due()))
    judged = world(tmp_path, {"main.tf": BASE}).judge()
    policy = Policy(rule_pages=pages)
    cases = replace(judged.cases, policy=policy)
    assert f"({pages}/certificate-expiring.md)" in render(replace(judged, cases=cases))


@pytest.mark.parametrize("name", ["-", "s3://states/prod.tfstate", "/tmp/plan.json"])
def test_what_is_no_file_of_the_folder_keeps_its_name(name):
    """Standard input, an object of a bucket and an absolute path keep their names."""
    made = by_repository(due(name, folder="infra/prod"))
    assert made["sources"][0]["path"] == name
    assert made["findings"][0]["source"] == name
