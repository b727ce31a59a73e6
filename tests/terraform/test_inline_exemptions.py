"""`tfcert:ignore` comments: where they apply, to which addresses, and that none is ignored
silently.
"""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.model.finding import SuppressedBy
from checker.model.location import Location
from checker.terraform.configuration import read_configuration

CERTIFICATE = "aws_api_gateway_client_certificate"
SAYS = 'tfcert:ignore certificate-expiring until=2026-12-31 reason="moved soon"'


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a configuration from the text of its files."""

    def declared(text="", **files):
        for name, content in {"main.tf": text, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        found = read_configuration(str(tmp_path), "")
        assert found is not None
        return found[1]

    return declared


def only(declared):
    assert declared.faulty == ()
    (entry,) = declared.exemptions
    return entry


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# {}\nresource {} {{\n}}\n", 1),
        ("// {}\nresource {} {{\n}}\n", 1),
        ("/* {} */\nresource {} {{\n}}\n", 1),
        ("/*\n * Why it is as it is.\n * {}\n */\nresource {} {{\n}}\n", 3),
        ("/**\n  {}\n**/\nresource {} {{\n}}\n", 2),
        ("# About it.\n# {}\n# More.\nresource {} {{\n}}\n", 2),
        ("  # {}\n  resource {} {{\n  }}\n", 1),
        ("#{}\nresource {} {{\n}}\n", 1),
    ],
)
def test_a_comment_directly_above_exempts_the_block(read, text, line):
    """A comment directly above a block exempts it, in every comment syntax of Terraform."""
    entry = only(read(text.format(SAYS, f'"{CERTIFICATE}" "c"')))
    assert (entry.rule, entry.until, entry.reason) == (
        "certificate-expiring",
        date(2026, 12, 31),
        "moved soon",
    )
    assert (entry.addresses, entry.kind, entry.owner) == (
        frozenset({f"{CERTIFICATE}.c"}),
        SuppressedBy.COMMENT,
        None,
    )
    assert entry.location == Location("main.tf", line)


@pytest.mark.parametrize(
    "body",
    [
        "{{ # {}\n}}",
        "{{\n  # {}\n}}",
        '{{\n  description = "a" # {}\n}}',
        "{{\n  tags = {{\n    a = 1 // {}\n  }}\n}}",
        "{{\n  lifecycle {{\n    /* {} */\n  }}\n}}",
        "{{\n}} # {}",
        "{{}} # {}",
    ],
)
def test_a_comment_in_the_block_exempts_it(read, body):
    """A comment inside a block, or on the line of its end, exempts the block."""
    for newline in ("\n", "\r\n"):
        text = f'resource "{CERTIFICATE}" "c" {body.format(SAYS)}\nresource "aws_api_gateway_stage" "s" {{\n}}\n'
        assert only(read(text.replace("\n", newline))).addresses == {f"{CERTIFICATE}.c"}


def test_the_block_in_a_module_covers_every_call_of_it(read):
    """A comment in a module exempts the block in every call and instance of the module."""
    called = f'# {SAYS}\nresource "{CERTIFICATE}" "c" {{\n  for_each = var.names\n}}\n'
    main = 'module "a" {\n  source = "./m"\n  count = 2\n}\nmodule "b" {\n  source = "./m"\n}\n'
    entry = only(read(main, **{"m/main.tf": called}))
    assert entry.addresses == {f"module.a.{CERTIFICATE}.c", f"module.b.{CERTIFICATE}.c"}
    assert entry.location == Location("m/main.tf", 1)


def test_one_comment_may_name_several_rules_and_an_owner(read):
    """A comment may name several rules and an owner; each rule is an exemption of its own."""
    text = 'tfcert: ignore stage-detached, rotation-unstaged reason="a \\"b\\" = c" until="2026-12-31" owner=team-a'
    declared = read(f'# {text}\nresource "aws_api_gateway_stage" "s" {{\n}}\n')
    assert declared.faulty == ()
    assert [(entry.rule, entry.reason, entry.owner) for entry in declared.exemptions] == [
        ("stage-detached", 'a "b" = c', "team-a"),
        ("rotation-unstaged", 'a "b" = c', "team-a"),
    ]


def test_an_acm_certificate_may_carry_one(read):
    """A comment on an ACM certificate is an exemption too."""
    assert only(read(f'# {SAYS}\nresource "aws_acm_certificate" "c" {{\n}}\n')).addresses == {
        "aws_acm_certificate.c"
    }


@pytest.mark.parametrize(
    ("comment", "says", "remedy"),
    [
        ("tfcert:ignore", "names no rule", "write # tfcert:ignore RULE"),
        ("tfcert:ignore until=2026-12-31", "names no rule", "write"),
        (
            "tfcert:ignore certificate-expirin until=2026-12-31 reason=x",
            "names no rule: 'certificate-expirin'",
            "'certificate-expiring'",
        ),
        (
            "tfcert:ignore certificate-expired until=2026-12-31 reason=x",
            "certificate-expired cannot be exempted",
            "remove the comment",
        ),
        (
            "tfcert:ignore rotation-destroys-in-use until=2026-12-31 reason=x",
            "cannot be exempted",
            "remove",
        ),
        (
            "tfcert:ignore certificate-unverified until=2026-12-31 reason=x",
            "cannot be exempted",
            "remove",
        ),
        (
            "tfcert:ignore stage-detached,certificate-expired until=2026-12-31 reason=x",
            "cannot be exempted",
            "remove",
        ),
        ("tfcert:ignore certificate-expiring reason=x", "it has no until", "until=2026-12-31"),
        (
            "tfcert:ignore certificate-expiring until=31.12.2026 reason=x",
            "until is '31.12.2026', which is not a date",
            "until=",
        ),
        (
            "tfcert:ignore certificate-expiring until=2026-02-30 reason=x",
            "which is not a date",
            "until=",
        ),
        ("tfcert:ignore certificate-expiring until=2026-12-31", "it has no reason", "reason="),
        (
            'tfcert:ignore certificate-expiring until=2026-12-31 reason=" "',
            "it has no reason",
            "reason=",
        ),
        (
            "tfcert:ignore certificate-expiring until=2026-12-31 reason=a b",
            "cannot be read from 'b' on",
            "write",
        ),
        (
            'tfcert:ignore certificate-expiring until=2026-12-31 reason="a',
            "cannot be read from 'reason=",
            "write",
        ),
        (
            "tfcert:ignore certificate-expiring util=2026-12-31 reason=x",
            "unknown key 'util'",
            "did you mean 'until'?",
        ),
        (
            "tfcert:ignore certificate-expiring until=2026-12-31 until=2027-12-31 reason=x",
            "says until twice",
            "once",
        ),
        ("tfcert:ignore certificate-expiring: moved soon", "names no rule", "write"),
        ("tfcert:ignore:certificate-expiring", "not a comment that tfcert knows", "write"),
        (
            'tfcert:ignore certificate-expiring until=2026-12-31 reason="a\x1b[31m"',
            "has a control character",
            "write",
        ),
        (
            "tfcert:ignored certificate-expiring until=2026-12-31 reason=x",
            "not a comment that tfcert knows",
            "write",
        ),
        ("tfcert:skip=certificate-expiring", "not a comment that tfcert knows", "write"),
        (
            "please, tfcert:ignore certificate-expiring until=2026-12-31 reason=x",
            "not a comment that tfcert knows",
            "nothing before it",
        ),
    ],
)
def test_a_comment_of_another_form_is_told_with_its_line(read, comment, says, remedy):
    """A malformed comment exempts nothing and is reported with its line."""
    declared = read(f'# a\n# {comment}\nresource "{CERTIFICATE}" "c" {{\n}}\n')
    assert declared.exemptions == ()
    (faulty,) = declared.faulty
    assert faulty.location == Location("main.tf", 2)
    assert says in faulty.reason
    assert remedy in faulty.remedy
    assert faulty.address == f"{CERTIFICATE}.c"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'# {SAYS}\n\nresource "{CERTIFICATE}" "c" {{\n}}\n', "is not at a block"),
        (f'resource "{CERTIFICATE}" "c" {{\n}}\n# {SAYS}\n', "is not at a block"),
        (
            f'# {SAYS}\noutput "x" {{\n  value = 1\n}}\n',
            "is at output x, which is neither a stage nor a client certificate",
        ),
        (
            f'# {SAYS}\nresource "aws_lambda_function" "f" {{\n}}\n',
            "is at resource aws_lambda_function.f",
        ),
        (
            f'# {SAYS}\nmodule "m" {{\n  source = "./m"\n}}\n',
            "is at the call of module m, not at a block in it",
        ),
        (f"locals {{\n  a = 1 # {SAYS}\n}}\n", "is at locals"),
    ],
)
def test_a_comment_at_another_place_is_told(read, text, says):
    """A comment outside the block of a stage or certificate is reported as a fault."""
    declared = read(text)
    assert declared.exemptions == ()
    (faulty,) = declared.faulty
    assert says in faulty.reason


def test_what_is_no_comment_is_none(read):
    """The marker in a string, in a heredoc or in tfcert's own comments is no exemption."""
    plain = SAYS.replace('"', "'")
    text = (
        f'# tfcert: succeeds {CERTIFICATE}.b\nresource "{CERTIFICATE}" "c" {{\n  description = "# {plain}"\n}}\n'
        f'resource "{CERTIFICATE}" "d" {{\n  description = <<-EOT\n    # {SAYS}\n  EOT\n}}\n'
        f'# tfcert: PEM of {CERTIFICATE}.c, for the backends to trust\noutput "c_pem" {{\n  value = 1\n}}\n'
    )
    declared = read(text)
    assert (declared.exemptions, declared.faulty) == ((), ())


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("other.tf.json", '{{"//": "{}"}}', "JSON has no comments"),
        ("main_override.tf", "# {}\n", "tfcert reads no comments of this file"),
        ("other.tofu", "# {}\n", "tfcert reads no comments of this file"),
        ("broken.tf", "# {}\nresource {{{{{{ \n", "tfcert reads no comments of this file"),
    ],
)
def test_a_file_whose_comments_are_not_read_is_told(read, name, content, why):
    """A comment in a file that tfcert does not parse is reported, and the remedy is the policy's
    `[[exemption]]`.
    """
    declared = read(
        f'resource "{CERTIFICATE}" "c" {{\n}}\n', **{name: content.format(SAYS.replace('"', "'"))}
    )
    assert declared.exemptions == ()
    (faulty,) = declared.faulty
    assert faulty.location == Location(name, 1)
    assert why in faulty.reason
    assert "[[exemption]]" in faulty.remedy


@given(st.text('tfcer:ignoul2026-="# /*\\ ', max_size=40))
def test_no_comment_that_names_ignore_is_lost(text):
    """Any text after `tfcert:ignore` gives an exemption or a fault, never nothing."""
    from checker.hcl.configuration import Configuration, Module
    from checker.hcl.syntax import SourceFile
    from checker.terraform.configuration import configuration_facts

    data = f'# tfcert:ignore {text}\nresource "{CERTIFICATE}" "c" {{\n}}\n'.encode()
    configuration = Configuration(
        root=".",
        files={"main.tf": SourceFile("main.tf", data)},
        modules={(): Module(path=(), directory="", files=("main.tf",))},
    )
    declared = configuration_facts(configuration)
    assert len(declared.exemptions) + len(declared.faulty) == 1
