"""Tests of the repository's own rules: sizes, names, pages, and words that no file may contain."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

import hcl2
import pytest

from checker.model.policy import Policy
from checker.policyfile.resolve import read_policy
from checker.reports import FORMATS
from checker.rules import RULES
from checker.rules.docs import HEADINGS, page_of
from checker.terraform.configuration import read_configuration

ROOT = Path(__file__).resolve().parents[1]


def modules():
    """Return every module of the package."""
    return sorted((ROOT / "checker").rglob("*.py"))


def test_modules_are_small():
    """No module is longer than 500 lines."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in modules()
    }
    assert {name: count for name, count in lengths.items() if count > 500} == {}


def test_folders_are_small():
    """No folder has more than 25 modules, except the rules, where each rule is a file."""
    sizes = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules())
    assert {
        name: count for name, count in sizes.items() if count > 25 and name != "checker/rules"
    } == {}


def test_one_name_means_one_thing():
    """No two public classes of the package have the same name."""
    names = Counter(
        node.name
        for path in modules()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def imports(path, names):
    """Yield the modules of the package that a module imports anywhere, including imports for types
    only.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in names else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_modules_import_each_other_in_a_circle():
    """No modules import each other in a circle, even for types only or within a function."""
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in modules()
    }
    left = {
        name: {each for each in imports(path, names) if each in names and each != name}
        for name, path in names.items()
    }
    # A module is removed once all its imports are. The modules that remain import in a circle.
    while done := {name for name, needed in left.items() if not needed & left.keys()}:
        left = {name: needed for name, needed in left.items() if name not in done}
    assert left == {}


def test_the_architecture_page_names_every_module():
    """The tree of docs/architecture.md has a line for each module below its folder.

    Rules, verbs and the parts of a format share one line.
    """
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    tree = page.split("## The tree")[1].split("```")[1].splitlines()
    known, folder = set(), ""
    for line in tree[2:]:
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        if indent == 2:
            folder = name if name.endswith("/") else ""
        known.add(name if indent == 2 else folder + name)
    for path in modules():
        parts = path.relative_to(ROOT / "checker").parts
        whole = "/".join(parts)
        inside = any(f"{'/'.join(parts[:depth])}/" in known for depth in range(2, len(parts)))
        rule = parts[0] == "rules" and "rules/*" in known
        assert path.name == "__init__.py" or whole in known or inside or rule, (
            f"write a line for {whole}"
        )
    assert {
        name for name in known if name.endswith(".py") and not (ROOT / "checker" / name).is_file()
    } == set()


def test_no_text_names_a_page_that_is_not_there():
    """A docstring or comment that names a page of this repository names one that exists."""
    for path in modules():
        for name in re.findall(
            r"\b(?:docs|facts|shared)/[\w/-]+\.md\b|\bDESIGN\.md\b",
            path.read_text(encoding="utf-8"),
        ):
            assert (ROOT / name).is_file(), f"{path.relative_to(ROOT)} names {name}"


def test_no_two_files_of_tests_have_one_name():
    """No two test files have the same name, because pytest would refuse to collect the
    second one.
    """
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_decisions_are_numbered():
    """Each decision record has its own number, from 0001 on without gaps."""
    numbers = sorted(path.name[:4] for path in (ROOT / "docs/decisions").glob("*.md"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_one_name_everywhere_and_a_page(rule):
    """A rule's file has the rule's name, and its page has every heading in order with text below
    it.
    """
    assert rule.check.__module__.rsplit(".", 1)[1] == rule.name.replace("-", "_")
    page = page_of(rule).markdown
    assert page.startswith(f"# {rule.name}\n")
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    assert tuple(parts[1::2]) == HEADINGS
    assert [
        heading
        for heading, told in zip(parts[1::2], parts[2::2], strict=True)
        if len(told.split()) < 3
    ] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_example_of_a_rule_is_terraform(rule):
    """A rule's page has an example in HCL that parses, and its comment that exempts a rule names
    this rule.
    """
    page = page_of(rule).markdown
    example = page.partition("## Example\n")[2].partition("## How to fix")[0]
    blocks = re.findall(r"^```hcl\n(.*?)^```$", example, re.MULTILINE | re.DOTALL)
    assert blocks
    assert all(hcl2.loads(block) for block in blocks)
    assert (f"# tfcert:ignore {rule.name} until=" in page) is rule.exemptable
    assert ("cannot be exempted" in page) is not rule.exemptable


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.exemptable], ids=lambda rule: rule.name
)
def test_what_a_page_says_of_exemptions_works(rule, tmp_path):
    """The policy lines and the comment on a rule's page are both read as an exemption of
    the rule.
    """
    page = page_of(rule).markdown
    (toml,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (exemption,) = read_policy("tfcert.toml", toml.encode()).exemptions
    assert (exemption.rule, str(exemption.until)) == (rule.name, "2026-12-31")
    (comment,) = re.findall(rf"^# tfcert:ignore {rule.name} .*$", page, re.MULTILINE)
    (tmp_path / "main.tf").write_text(
        f'{comment}\nresource "aws_api_gateway_client_certificate" "orders" {{\n}}\n'
    )
    _, declared = read_configuration(str(tmp_path), "")
    assert declared.faulty == ()
    assert [(entry.rule, entry.until, entry.reason) for entry in declared.exemptions] == [
        (rule.name, exemption.until, exemption.reason)
    ]


def test_the_pages_are_fresh(tmp_path, tfcert):
    """`make docs` would change, remove and add no page."""
    assert tfcert("rules", "--out", "pages").returncode == 0
    made = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "pages").iterdir()}
    kept = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/rules").iterdir()}
    assert sorted(made) == sorted(kept)
    assert [name for name, text in made.items() if kept[name] != text] == [], "run `make docs`"


def test_writing_the_pages_takes_away_what_is_no_rules(tmp_path, tfcert):
    """`tfcert rules --out` removes the page of a rule that no longer exists."""
    (tmp_path / "gone.md").write_text("old")
    assert tfcert("rules", "--out", ".").returncode == 0
    assert not (tmp_path / "gone.md").exists()
    assert (tmp_path / "stage-detached.md").exists()


def test_a_rule_is_explained_by_the_command_line(tfcert):
    """`tfcert rules` lists every rule, explains one by its name, and suggests the nearest name for
    a misspelt one.
    """
    listed = tfcert("rules").stdout.decode()
    assert [line.split()[0] for line in listed.splitlines()] == [rule.name for rule in RULES]
    assert (
        tfcert("rules", "stage-detached")
        .stdout.decode()
        .startswith("# stage-detached\n\nUnless a policy says otherwise: error.\n")
    )
    wrong = tfcert("rules", "stage-detatched")
    assert wrong.returncode == 2
    assert b"did you mean 'stage-detached'" in wrong.stderr


def test_the_default_pack_is_what_holds_without_a_file():
    """The policy of policies/default.toml equals the policy that applies without a file."""
    assert read_policy("default.toml", (ROOT / "policies/default.toml").read_bytes()) == Policy()


@pytest.mark.parametrize("invariant", ["i1", "i2", "i3", "i4", "i5", "i6"])
def test_every_invariant_has_a_test_that_names_it(invariant):
    """Each of the design's invariants I1 to I6 has a test with the invariant in its name."""
    pattern = re.compile(rf"def test_\w*{invariant}_", re.IGNORECASE)
    assert any(
        pattern.search(path.read_text(encoding="utf-8"))
        for path in (ROOT / "tests").rglob("test_*.py")
    )


def test_i5_tfcert_only_reads_aws():
    """I5: outside the demo no code names an AWS operation that writes, and none runs `terraform
    apply`.
    """
    writes = re.compile(
        r"\.(?:create|update|delete|put|generate|tag|untag|import|flush)_(?:stage|client|rest|api|tag)|\"apply\""
    )
    for path in modules():
        if "demo" not in path.parts and path.name != "demo_story.py":
            assert not writes.search(path.read_text(encoding="utf-8")), path


def test_i5_only_a_probe_calls_backends():
    """I5: only one module sends the call that reaches a backend, and only `--probe` and `tfcert
    probe` use it.
    """
    sends = re.compile(r"\.test_invoke_method\(")
    asks = re.compile(r"from checker\.aws\.probe import|import checker\.aws\.probe\b")
    sending, asking = set(), set()
    for path in modules():
        text, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT / "checker"))
        sending |= {name} if sends.search(text) else set()
        asking |= {name} if asks.search(text) else set()
    assert sending == {"aws/boto_gateway.py"}
    assert asking == {"cli/probing/behind.py", "cli/probing/run.py"}
    # The module that lists the backends behind a report calls none of them.
    listing = (ROOT / "checker/cli/probing/behind.py").read_text(encoding="utf-8")
    assert "run_probe" not in listing
    runs = re.compile(r"from checker\.cli\.probing\.run import")
    callers = {
        str(path.relative_to(ROOT / "checker"))
        for path in modules()
        if runs.search(path.read_text(encoding="utf-8"))
    }
    assert callers == {"cli/commands/probe.py", "cli/probing/asking.py"}


def test_no_file_names_a_machine_or_a_registry():
    """No tracked file contains a path of the author's machine or the host of a package registry."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    ).stdout.split("\n")
    hosts = ("python" + "hosted", "pypi" + ".org", "registry." + "npmjs", "deb." + "debian")
    assert not Path(ROOT, ".git").exists() or "README.md" in tracked
    for name in filter(None, tracked):
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        for word in (*hosts, "/ro" + "ot/", "/wo" + "rk/"):
            assert word.encode() not in data, (name, word)


def test_readers_of_the_code_find_where_things_go():
    """The recipes for a rule and for a format name files and tuples that exist."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "stage_detached.py" in text
    assert "RULES" in text
    assert "FORMATS" in text
    page = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
    for name, entry in FORMATS.items():
        assert f"| `{name}` |" in page, name
        module = ROOT / "checker/reports" / entry.module
        assert module.with_suffix(".py").is_file() or (module / "__init__.py").is_file(), name
        assert (ROOT / "tests/reports" / f"test_{entry.module}.py").is_file(), name
