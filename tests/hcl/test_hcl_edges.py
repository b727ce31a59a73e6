"""Edges of what is read from disk and of how text is cut: the largest file, a missing folder, a forged path."""

from __future__ import annotations

import pytest
from world import BASE, CERTIFICATE, STAGE, days, lay, world

from checker.errors import UnprovenError
from checker.hcl import grammar
from checker.hcl.comments import joined, without_comments
from checker.hcl.configuration import load_configuration, plain_calls
from checker.hcl.generated import generated
from checker.hcl.proof import Intent, Replacement, prove
from checker.hcl.references import ReferenceUse, references
from checker.hcl.regular_files import read_regular
from checker.hcl.syntax import SourceFile, Span
from checker.model.rotation import Delivery, Phase
from checker.terraform.configuration import read_configuration

C = f"{CERTIFICATE}.orders"
PEM = f"{C}.pem_encoded_certificate"
WRITTEN = (
    'resource "aws_ssm_parameter" "x" {\n  value_wo         = var.pem\n  value_wo_version = 1\n}\n'
)


def trusted(home):
    """Return what uses the PEM of the only certificate."""
    (declared,) = home.inventory().documents[0].declared.certificates
    return declared.trust


def test_a_file_that_is_larger_than_any_configuration_is_refused(tmp_path):
    """Its content is not read into memory."""
    path = tmp_path / "main.tf"
    with path.open("wb") as file:
        file.truncate(64 * 1024**2)
    assert len(read_regular(path)) == 64 * 1024**2
    with path.open("wb") as file:
        file.truncate(64 * 1024**2 + 1)
    with pytest.raises(OSError, match="larger than 64 MiB"):
        read_regular(path)


def test_a_call_without_an_end_is_left_to_the_parser():
    """The quick search reads only calls that certainly are whole."""
    assert plain_calls(b'module "m" {\n  source = "./m"\n}\n') == (("m", "./m"),)
    assert plain_calls(b'module "m" {\n  source = "./m"\n') is None


def test_a_module_whose_folder_is_empty_is_left_out(tmp_path):
    """The other modules are read; a test file about something else is not kept."""
    files = {
        "main.tf": BASE + 'module "m" {\n  source = "./m"\n}\n',
        "m/README.md": "",
        "tests/a.tftest.hcl": 'run "a" {\n}\n',
    }
    found = load_configuration(str(lay(tmp_path, files)))
    assert list(found.modules) == [()]
    assert list(found.files) == ["main.tf"]


@pytest.mark.parametrize(
    ("path", "by"),
    [
        ("/w/cdktf.out/stacks/prod/main.tf", "CDK for Terraform, from the stack prod"),
        ("/w/stacks/prod/main.tf", None),
    ],
)
def test_a_file_of_cdktf_is_known_by_its_path(path, by):
    """It has no comment that names the program."""
    found = generated(SourceFile("main.tf", BASE.encode()), path)
    assert (found.by if found is not None else None) == by


def test_spans_are_joined_only_without_a_gap():
    """What is between two removed spans stays."""
    assert joined(Span(0, 2), Span(2, 4)) == (Span(0, 4),)
    assert joined(Span(0, 2), Span(3, 4)) == (Span(0, 2), Span(3, 4))
    file = SourceFile("a.tf", b"abcdef")
    assert without_comments(file, [Span(4, 5), Span(0, 2)]) == b"cdf"
    assert without_comments(file, []) == b"abcdef"


@pytest.mark.parametrize("mode", [None, 0o777, 0o770])
def test_a_grammar_is_not_kept_where_others_can_write(mode, tmp_path, monkeypatch):
    """Nor where no folder is given: it is built anew then."""
    monkeypatch.setattr(grammar, "_private", [tmp_path] if mode is not None else [])
    if mode is not None:
        tmp_path.chmod(mode)
    assert grammar._cached() is None  # noqa: SLF001 -- through `parser` it would be built
    assert not list(tmp_path.iterdir())


STAGE_KEY = ("resource", (STAGE, "prod"))
OUTPUT = ("output", ("id",))


@pytest.mark.parametrize(
    ("intent", "after", "complaint"),
    [
        (
            Intent(kind=CERTIFICATE, old="orders", new="n", removed=(("resource", (CERTIFICATE, "orders")),)),
            BASE,
            "is still there",
        ),
        (
            Replacement(plain=frozenset({'"old000"'}), reference=f"{C}.id", times=1, blocks=frozenset({STAGE_KEY})),
            BASE,
            "not exactly",
        ),
        (
            Intent(kind=CERTIFICATE, old="orders", new="n", renamed={STAGE_KEY: 1}),
            BASE.replace("orders.id", 'n.id == "" ? null : ' + CERTIFICATE + ".n.id"),
            "more than|not exactly",
        ),
    ],
)  # fmt: skip
def test_an_edit_that_does_less_or_more_than_it_should_is_refused(intent, after, complaint):
    """Each intent is met exactly, or nothing is written."""
    with pytest.raises(UnprovenError, match=complaint):
        prove("main.tf", BASE.encode(), after.encode(), (intent,))


INNER = 'variable "pem" {\n  type = string\n}\n' + WRITTEN
CALL = f'module "m" {{\n  source = "./m"\n  pem    = {PEM}\n%s}}\n'


@pytest.mark.parametrize(
    ("more", "override", "edited"),
    [
        ("", None, True),
        ("  count  = 1\n", None, False),
        ("", '{"locals": {"a": 1}}', True),
        ("", '{"resource": {"aws_ssm_parameter": {"x": {"value_wo_version": 7}}}}', False),
    ],
)
def test_a_version_is_raised_only_where_it_is_in_force_once(more, override, edited, tmp_path):
    """Not in a module that is called several times, nor where a file in JSON may override it."""
    files = {"main.tf": BASE + CALL % more, "m/main.tf": INNER}
    if override is not None:
        files["m/x_override.tf.json"] = override
    home = world(tmp_path, files)
    _, patches = home.ask(trust_bundle=True)
    changed = {change.path for change in patches.patches[0].changes}
    assert ("m/main.tf" in changed) is edited
    assert [each.joined is not None for each in trusted(home)] == [edited]


LOCALS = f'locals {{\n  p = {PEM}\n  q = local.p\n  r = local.p\n  s = "${{local.q}}${{local.r}}"\n}}\n'  # fmt: skip
READER = 'resource "aws_ssm_parameter" "x" {\n  value = %s\n}\n'


def test_a_local_that_is_reached_by_two_ways_leads_on_once(tmp_path):
    """Its readers are named once."""
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": LOCALS + READER % "local.s"})
    assert [(each.what, each.delivery) for each in trusted(home)] == [
        ("resource aws_ssm_parameter.x", Delivery.SENT)
    ]


@pytest.mark.parametrize(
    ("local", "read", "found"),
    [
        ("{ ca = %s }", "ca", True),
        ("{ ca = %s, n = 1 }", "n", False),
        ("merge({ ca = %s }, { n = 1 })", "ca", True),
        ("merge({ ca = %s }, { n = 1 })", "n", False),
        ("merge(var.base, { ca = %s })", 'n["deep"]', False),
        ("merge(var.base, { tls = { ca = %s } })", "tls.ca", True),
        ("merge(var.base, { tls = { ca = %s } })", "ca", False),
        # What a function other than merge does with the keys is not known.
        ("zipmerge({ ca = %s })", "n", True),
        ("merge([{ ca = %s }]...)", "n", True),
        ("tomap(merge({ ca = %s }))", "n", True),
    ],
)
def test_a_reader_of_another_key_takes_nothing(local, read, found, tmp_path):
    """The key of a value in an object is known, also through `merge`."""
    text = f"locals {{\n  t = {local % PEM}\n}}\n" + READER % f"local.t.{read}"
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    assert [each.what for each in trusted(home)] == ["resource aws_ssm_parameter.x"] * found


def test_an_output_that_is_reached_by_two_ways_leads_on_once(tmp_path):
    """So it is with an output of a module, and a comparison in an output of the root is no reader."""
    files = {
        "main.tf": 'module "api" {\n  source = "./api"\n}\n' + READER % "module.api.pem",
        "api/main.tf": BASE + LOCALS + 'output "pem" {\n  value = "${local.q}${local.r}"\n}\n',
        "more.tf": 'locals {\n  p = module.api.pem\n}\noutput "on" {\n  value = local.p == ""\n}\n',
    }
    home = world(tmp_path, files)
    assert [each.what for each in trusted(home)] == ["resource aws_ssm_parameter.x"]


@pytest.mark.parametrize(
    ("expression", "use"),
    [
        (f"values({C})[0]", ReferenceUse.WHOLE),
        (f"one({C})[var.name]", ReferenceUse.WHOLE),
        (f"{C} /* the id */ .id", ReferenceUse.POINTER),
    ],
)
def test_what_a_call_gives_back_is_the_whole_without_an_attribute(expression, use, tmp_path):
    """An index alone takes no attribute; a comment changes nothing."""
    text = f"locals {{\n  x = {expression}\n}}\n"
    configuration = load_configuration(str(lay(tmp_path, {"main.tf": text})))
    assert [each.use for each in references(configuration, (), CERTIFICATE, "orders")] == [use]


def test_a_caller_that_is_no_hcl_is_not_searched_for_references(tmp_path):
    """Its text may name the certificate inside; the file is reported as one that was not read."""
    files = {
        "main.tf": 'module "m" {\n  source = "./m"\n}\n',
        "broken.tf": f'output "id" {{\n  value = module.m.{C}.id\n',
        "m/main.tf": BASE,
    }
    configuration = load_configuration(str(lay(tmp_path, files)))
    found = references(configuration, ("m",), CERTIFICATE, "orders")
    assert {each.site.file.path for each in found} == {"m/main.tf"}


TEST = f"""\
run "a" {{
  command = plan

  expect_failures = [{C}]
}}
"""


def test_a_test_that_expects_the_certificate_to_fail_is_named_for_introduce(tmp_path):
    """The successor has the same conditions, so the test must name it too."""
    home = world(tmp_path, {"main.tf": BASE, "tests/a.tftest.hcl": TEST})
    (rotation,) = home.ask(every=True)[1].rotations
    told = [each.text for each in rotation.cautions if each.phase is Phase.INTRODUCE]
    assert any("tests expect the certificate to fail (tests/a.tftest.hcl:4)" in each for each in told), told  # fmt: skip


def test_a_resource_that_takes_the_id_twice_on_one_line_is_named_once(tmp_path):
    """It follows with the stages, which is said once."""
    text = f'resource "a_b" "x" {{\n  v = "${{{C}.id}}${{{C}.id}}"\n}}\n'
    home = world(tmp_path, {"main.tf": BASE, "x.tf": text})
    (rotation,) = home.ask(every=True)[1].rotations
    told = [each.text for each in rotation.cautions if "takes the id too" in each.text]
    assert len(told) == 1
    assert told[0].startswith("a_b.x (x.tf:2)")


@pytest.mark.parametrize("source", ['"x"', f"{C}.id"])
def test_a_removed_block_that_names_nothing_removes_nothing(source, tmp_path):
    """Terraform refuses such a block; the other blocks count."""
    text = f"removed {{\n  from = {source}\n}}\nremoved {{\n  from = {C}_x\n}}\n"
    world(tmp_path, {"main.tf": BASE + text})
    (_, facts) = read_configuration(str(tmp_path), "")
    assert [str(each.block) for each in facts.removed] == [f"{C}_x"]


@pytest.mark.parametrize(("text", "told"), [(f'resource "{STAGE}" "b" {{\n', False), (f'resource "{CERTIFICATE}" "b" {{\n', True)])  # fmt: skip
def test_a_broken_file_counts_as_unread_where_it_mentions_a_certificate(text, told, tmp_path):
    """A broken file about something else hides no certificate."""
    world(tmp_path, {"main.tf": BASE, "broken.tf": text}, ends={"old000": days(12)})
    (_, facts) = read_configuration(str(tmp_path), "")
    assert ("broken.tf" in facts.unread) is told


def test_a_configuration_with_very_many_test_folders_is_read(tmp_path):
    """The search for tests ends at its bound, and the module is read all the same."""
    lay(tmp_path, {"main.tf": BASE})
    for number in range(510):
        (tmp_path / f"tests/t{number}").mkdir(parents=True)
    found = load_configuration(str(tmp_path))
    assert list(found.files) == ["main.tf"]
