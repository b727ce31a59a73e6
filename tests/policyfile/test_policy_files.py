"""Policy files: valid ones are read, and each error names the file, the line and the correction."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.errors import TfcertError
from checker.model.conditions import Conditions
from checker.model.finding import SuppressedBy
from checker.model.location import Location
from checker.model.policy import Policy, Untouched
from checker.model.severity import FailOn, Severity
from checker.policyfile.resolve import VARIABLES, read_pack, read_policy
from checker.policyfile.schema import POLICY, VALUES, Table, words_of
from checker.policyfile.toml_file import line_of, lines
from checker.rules import RULES
from checker.terraform.configuration import read_configuration


def policy(text, path="tfcert.toml"):
    return read_policy(path, text.encode())


def refusal(text, path="tfcert.toml"):
    with pytest.raises(TfcertError) as caught:
        policy(text, path)
    return str(caught.value)


EXEMPTION = (
    '[[exemption]]\nrule = "stage-detached"\naddress = "a.b"\nuntil = 2026-12-31\nreason = "x"\n'
)


def test_everything_that_a_policy_can_say_is_read():
    """A policy with every value, severity, condition, exemption and account is read."""
    read = policy(
        """
        name = "acme"
        threshold_days = 20
        notice_days = 40
        trust_window_days = 4
        margin_days = 5
        introduce_margin_days = 6
        certificate_quota = 100
        fail_on = "warning"
        untouched = "note"
        rules.certificate-drifted = "error"
        rules.stage-detached = "off"
        rules.certificate-expiring = "error"

        [[scope]]
        name = "legacy"
        address = ["module.legacy.*", "aws_api_gateway_stage.old"]
        account = "123456789012"
        region = "eu-*"
        workspace = "prod"
        directory = "./live/**"
        stage = "v?"
        api = "orders"
        tags = { environment = ["prod", "stage"], team = "a" }
        threshold_days = 50
        notice_days = 60
        fail_on = "never"
        [scope.rules]
        certificate-expiring = "warning"

        [[exemption]]
        rule = "certificate-drifted"
        certificate_id = "a1b2c3"
        until = "2026-12-31"
        reason = "the console is used until the migration"
        owner = "team a"
        directory = "live/eu"
        """
    )
    assert (read.name, read.threshold_days, read.notice_days, read.trust_window_days) == (
        "acme",
        20,
        40,
        4,
    )
    assert (read.margin_days, read.introduce_margin_days, read.certificate_quota) == (5, 6, 100)
    assert (read.fail_on, read.untouched) == (FailOn.WARNING, Untouched.NOTE)
    # A setting that equals the default is not a difference.
    assert read.rules == (("certificate-drifted", Severity.ERROR), ("stage-detached", None))
    (scope,) = read.scopes
    assert scope.conditions == Conditions(
        address=("module.legacy.*", "aws_api_gateway_stage.old"),
        account=("123456789012",),
        region=("eu-*",),
        workspace=("prod",),
        directory=("live/**",),
        stage=("v?",),
        api=("orders",),
        tags=(("environment", ("prod", "stage")), ("team", ("a",))),
    )
    assert scope.values == (("threshold_days", 50), ("notice_days", 60), ("fail_on", FailOn.NEVER))
    assert scope.rules == (("certificate-expiring", Severity.WARNING),)
    assert (scope.name, scope.location) == ("legacy", Location("tfcert.toml", 15))
    (exemption,) = read.exemptions
    assert (exemption.rule, exemption.certificate_id, exemption.addresses) == (
        "certificate-drifted",
        "a1b2c3",
        frozenset(),
    )
    assert (exemption.until, exemption.kind, exemption.owner) == (
        date(2026, 12, 31),
        SuppressedBy.POLICY,
        "team a",
    )
    assert (exemption.where, exemption.location) == (
        Conditions(directory=("live/eu",)),
        Location("tfcert.toml", 31),
    )


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("threshold = 3", 1, "unknown key 'threshold' (did you mean 'threshold_days'?)"),
        ("\nfail-on = 'never'", 2, "did you mean 'fail_on'?"),
        ("threshold_days = '3'", 1, "is the text '3' and not a whole number"),
        ("threshold_days = 3.0", 1, "with a point"),
        ("threshold_days = true", 1, "is true or false"),
        ("threshold_days = -1", 1, "from 0 to 3650"),
        ("threshold_days = 3651", 1, "from 0 to 3650"),
        ("certificate_quota = 0", 1, "from 1 on"),
        ("# a\nnotice_days = 3", 2, "notice_days is 3, below threshold_days, 30"),
        ("threshold_days = 50\nnotice_days = 40", 2, "notice_days is 40, below threshold_days, 50"),
        (
            "margin_days = 364",
            1,
            "introduce-by would be 367 days before the certificate's end, and it lives 365",
        ),
        ("fail_on = 'errors'", 1, "did you mean 'error'?"),
        ("fail_on = 1", 1, "is the number 1 and not a text"),
        ("untouched = 'off'", 1, "known: error, warning, note"),
        ("name = ''", 1, "name is blank"),
        ('name = "a\\u001b[31m"', 1, "name has a control character"),
        ('name = "a\\nb"', 1, "name has a control character"),
        ('[[scope]]\nthreshold_days = 3\n[scope.tags]\n"a\\u202e" = "b"', 4, "is not a text"),
        ("rules = 3", 1, "rules is the number 3 and not a table"),
        ("[rules]\ncertificate-expirin = 'off'", 2, "did you mean 'certificate-expiring'?"),
        ("[rules]\ncertificate_expiring = 'off'", 2, "did you mean 'certificate-expiring'?"),
        ("[rules]\ncertificate-expired = 'warning'", 2, "certificate-expired cannot be warning"),
        ("[rules]\nrotation-destroys-in-use = 'off'", 2, "rotation-destroys-in-use cannot be off"),
        ("[rules]\ncertificate-unverified = 'off'", 2, "never reported as clean"),
        ("[rules]\nplan-exceeds-phase = 'off'", 2, "--expect"),
        ("[rules]\nexemption-invalid = 'off'", 2, "believes that it applies"),
        ("scope = 3", 1, "write [[scope]]"),
        ("[scope]\nstage = 'x'", 1, "scope is not an array of tables"),
        ("scope = [3]", 1, "scope 1 is the number 3"),
        ("[[scope]]\nstage = 'x'", 1, "scope 1 has none of threshold_days"),
        ("[[scope]]\nthreshold_days = 3", 1, "scope 1 has none of address, account"),
        ("[[scope]]\nstage_name = 'x'\nthreshold_days = 3", 2, "did you mean 'stage'?"),
        ("[[scope]]\nstage = []\nthreshold_days = 3", 2, "which nothing can match"),
        ("[[scope]]\nstage = [\n 'a',\n 3]\nthreshold_days = 3", 4, "stage 2 is the number 3"),
        ("[[scope]]\ntags = {}\nthreshold_days = 3", 2, "tags is empty"),
        ("[[scope]]\n[scope.tags]\nteam = 3\n[scope.rules]", 3, "tags.team is the number 3"),
        ("[[scope]]\naccount = '12'\nthreshold_days = 3", 2, "twelve digits"),
        (
            "[[scope]]\nstage = 'a'\nnotice_days = 3",
            3,
            "notice_days of scope 1 is 3, below threshold_days, 30",
        ),
        (
            "[[scope]]\nstage = 'a'\nmargin_days = 3\n[[scope]]\nstage = 'b'\nmargin_days = 400",
            6,
            "of scope 2",
        ),
        ("[[scope]]\naddress = 'module.legacy'\nthreshold_days = 3", 2, 'write "module.legacy.*"'),
        (
            "[[scope]]\naddress = 'aws_api_gateway_stage'\nthreshold_days = 3",
            2,
            "is not the address of a resource",
        ),
        (
            "[[scope]]\nstage = 'a'\n[scope.rules]\ncertificate-expired = 'off'",
            4,
            "certificate-expired cannot be off",
        ),
        ("[[scope]]\nstage = 'a'\nextends = 'strict'", 3, "unknown key 'extends' in scope 1"),
        (EXEMPTION.replace("rule", "rules"), 2, "did you mean 'rule'?"),
        (
            EXEMPTION.replace("stage-detached", "stage-detatched"),
            2,
            "did you mean 'stage-detached'?",
        ),
        (
            EXEMPTION.replace("stage-detached", "certificate-expired"),
            2,
            "certificate-expired cannot be exempted",
        ),
        (EXEMPTION.replace("stage-detached", "rotation-destroys-in-use"), 2, "cannot be exempted"),
        (EXEMPTION.replace("stage-detached", "certificate-unverified"), 2, "cannot be exempted"),
        (EXEMPTION.replace("stage-detached", "exemption-unused"), 2, "cannot be exempted"),
        (EXEMPTION.replace("until = 2026-12-31\n", ""), 1, "exemption 1 lacks until"),
        (EXEMPTION.replace('reason = "x"\n', ""), 1, "exemption 1 lacks reason"),
        (EXEMPTION.replace('"x"', '" "'), 5, "reason is blank"),
        (
            EXEMPTION.replace("2026-12-31", "2026-12-31T00:00:00Z"),
            4,
            "write until = 2026-12-31, without a time",
        ),
        (EXEMPTION.replace("2026-12-31", '"31.12.2026"'), 4, "until is not a date"),
        (EXEMPTION.replace("2026-12-31", '"2026-02-30"'), 4, "until is not a date"),
        (EXEMPTION.replace("2026-12-31", "20261231"), 4, "until is not a date"),
        (
            EXEMPTION.replace('address = "a.b"\n', ""),
            1,
            "needs exactly one of address, certificate_id",
        ),
        (EXEMPTION + 'certificate_id = "a"\n', 1, "needs exactly one of address, certificate_id"),
        (
            EXEMPTION.replace('"a.b"', '"a.*"'),
            3,
            "is a pattern, and an exemption names one address",
        ),
        (EXEMPTION + EXEMPTION.replace('"a.b"', '"a"'), 8, "is not the address of a resource"),
        ("a = ", 1, "not TOML"),
        ('x = "', 1, "not TOML"),
        ("threshold_days = 3\nthreshold_days = 3", 2, "not TOML"),
        ("extends = 'nope'", 1, "there is no pack 'nope'"),
        ("\nextends = './nope.toml'", 2, "the path is relative to this file"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_what_to_write(text, line, says):
    """Each fault in a policy is an error with its line and the expected value."""
    found = refusal(text)
    assert found.startswith(f"tfcert.toml:{line}: "), found
    assert says in found


@given(st.binary(max_size=60) | st.text("[]{}=\"'.#\n a1-:T\\", max_size=40).map(str.encode))
def test_no_text_is_a_traceback(data):
    """Any bytes give a policy or a TfcertError."""
    with suppress(TfcertError):
        read_policy("x.toml", data)


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 5000 + "]" * 5000, "threshold_days = " + "9" * 5000]
)
def test_what_exhausts_the_parser_is_an_error_too(text):
    """Endless nesting or a huge number is an error, not a crash of the parser."""
    assert refusal(text).startswith("tfcert.toml")


def test_text_that_is_not_utf_8_is_said_with_its_line():
    """Text that is not UTF-8 is an error with its line."""
    with pytest.raises(TfcertError) as caught:
        read_policy("tfcert.toml", b'name = "a"\nname2 = "\xe9"\n')
    assert str(caught.value).startswith("tfcert.toml:2: not UTF-8")


def test_a_threshold_alone_takes_the_notice_with_it():
    """A threshold above the default notice raises the notice, also in a scope."""
    assert policy("threshold_days = 90").notice_days == 90
    scoped = policy("[[scope]]\nstage = 'a'\nthreshold_days = 90")
    assert (scoped.under((0,)).notice_days, scoped.notice_days) == (90, 60)


@pytest.fixture
def laid(tmp_path, monkeypatch):
    """Return a function that writes policy files in the current folder and gives a reader."""
    monkeypatch.chdir(tmp_path)

    def lay(**texts):
        for name, text in texts.items():
            path = Path(name.replace("__", "/") + ".toml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return lambda name: read_policy(name, Path(name).read_bytes(), name=Path(name).name)

    return lay


def test_a_file_extends_another_and_overrides_it(laid):
    """A file overrides the one that it extends; scopes of the base come first, and paths are
    relative to each file.
    """
    read = laid(
        tfcert="extends = 'org/base.toml'\nthreshold_days = 5\n[[scope]]\nstage = 'a'\nmargin_days = 1\n"
        + EXEMPTION,
        org__base="extends = 'strict'\nname = 'base'\nmargin_days = 9\nrules.certificate-drifted = 'off'\n"
        "[[scope]]\nstage = 'a'\nmargin_days = 2\n[[scope]]\nstage = 'b'\nmargin_days = 3\n",
    )
    found = read("tfcert.toml")
    strict = read_policy(*read_pack("strict"))
    assert (found.name, found.threshold_days, found.margin_days) == ("tfcert.toml", 5, 9)
    assert (found.notice_days, found.fail_on) == (strict.notice_days, strict.fail_on)
    assert dict(found.rules)["certificate-drifted"] is None
    assert dict(found.rules)["exemption-unused"] is Severity.ERROR
    assert [str(scope.location) for scope in found.scopes] == [
        "org/base.toml:5",
        "org/base.toml:8",
        "tfcert.toml:3",
    ]
    assert found.under((0, 2)).margin_days == 1


def test_a_circle_of_files_is_refused_and_told(laid):
    """A circle of `extends` is an error that lists the chain."""
    read = laid(a="extends = 'b.toml'", b="\nextends = './c.toml'", c="extends = 'a.toml'")
    with pytest.raises(TfcertError) as caught:
        read("a.toml")
    assert str(caught.value).startswith(
        "c.toml:1: extends itself: a.toml -> b.toml -> c.toml -> a.toml"
    )
    laid(own="extends = 'own.toml'")
    with pytest.raises(TfcertError, match=r"own.toml:1: extends itself: own.toml -> own.toml"):
        read("own.toml")


def test_an_error_in_a_base_names_the_base(laid):
    """An error in a base names the base, and a contradiction names the line that causes it."""
    read = laid(tfcert="extends = 'base.toml'\nnotice_days = 40", base="threshold_days = 45\n")
    with pytest.raises(
        TfcertError, match=r"^tfcert.toml:2: notice_days is 40, below threshold_days, 45"
    ):
        read("tfcert.toml")
    laid(base="treshold_days = 45\n")
    with pytest.raises(TfcertError, match=r"^base.toml:1: unknown key 'treshold_days'"):
        read("tfcert.toml")


def test_every_rule_stands_in_the_shape_with_the_words_it_may_take():
    """Each rule is a key of the policy with its allowed words; "off" is allowed only for some."""
    rules = VALUES["rules"]
    assert isinstance(rules, Table)
    assert list(rules.keys) == [rule.name for rule in RULES]
    for rule in RULES:
        assert ("off" in words_of(rule)) == (rule.mildest is None)
        for word in ("error", "warning", "note", "off"):
            text = f"[rules]\n{rule.name} = '{word}'"
            if word in words_of(rule):
                policy(text)
            else:
                assert f"{rule.name} cannot be {word}" in refusal(text)


NAMES = tuple(POLICY.keys)


@given(st.sampled_from([name for name in NAMES if name not in {"scope", "exemption"}]), st.data())
def test_any_key_misspelt_by_one_letter_is_refused_with_the_right_one(name, data):
    """A key with one wrong letter is an error that names the right key."""
    at = data.draw(st.integers(1, len(name) - 1))
    wrong = data.draw(
        st.sampled_from([name[:at] + name[at + 1 :], name[:at] + name[at - 1] + name[at:]])
    )
    if wrong in NAMES:
        return
    blank = data.draw(st.integers(0, 5))
    found = refusal("\n" * blank + f"{wrong} = 3")
    assert found.startswith(f"tfcert.toml:{blank + 1}: unknown key {wrong!r}")
    assert f"did you mean {name!r}?" in found


KEYS = st.text("abcdefgh-_", min_size=1, max_size=6)


@given(
    st.lists(
        st.tuples(KEYS, st.sampled_from(["plain", "array", "text", "inline"])),
        max_size=6,
        unique_by=lambda pair: pair[0],
    )
)
def test_lines_are_found_whatever_stands_between(pairs):
    """The line of a key is found whatever comments, strings and tables precede it."""
    written, expected = [], {}

    def write(line):
        written.append(line)
        return len(written)

    for number, (key, kind) in enumerate(pairs):
        write(f"# {key} = 3 [[t{number}]]")
        expected[(f"t{number}", 0)] = write(f"[[t{number}]] # header")
        match kind:
            case "plain":
                expected[(f"t{number}", 0, key)] = write(f'"{key}" = 3')
            case "array":
                expected[(f"t{number}", 0, key)] = write(f"{key} = [1, # one")
                expected[(f"t{number}", 0, key, 1)] = write("  2]")
            case "text":
                expected[(f"t{number}", 0, key)] = write(f'{key} = """')
                write(f"[[t{number}]]")
                write('a = 1 """')
            case "inline":
                expected[(f"t{number}", 0, key)] = write(f"{key} = {{ x = 1, y = {{ z = 2 }} }}")
                expected[(f"t{number}", 0, key, "y", "z")] = len(written)
        expected[(f"t{number}", 1)] = write(f"[[t{number}]]")
        expected[(f"t{number}", 1, "sub", "k")] = write("sub.k = 1")
    found = lines("\n".join(written).encode())
    assert {at: line_of(found, at) for at in expected} == expected


def test_the_default_pack_changes_nothing():
    """The default pack equals the built-in policy and lists every value; the strict pack too."""
    assert read_policy("default.toml", read_pack("default")[1]) == Policy()
    written = read_pack("default")[1].decode()
    for name in (*(name for name in VALUES if name != "rules"), *(rule.name for rule in RULES)):
        assert f"\n{name} = " in written, name
    for name in VALUES:
        assert re.search(rf"\n(?:{name} = |\[{name}\])", read_pack("strict")[1].decode()), name


def test_what_the_page_shows_is_read(tmp_path):
    """Every policy and comment in docs/policy.md is valid."""
    page = (Path(__file__).parents[2] / "docs/policy.md").read_text(encoding="utf-8")
    first, *others = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert policy(first).untouched is Untouched.WARNING
    assert [len(policy(text).scopes) + len(policy(text).exemptions) for text in others] == [2, 1, 1]
    (block,) = re.findall(r"```hcl\n(.*?)```", page, re.DOTALL)
    (tmp_path / "main.tf").write_text(block)
    found = read_configuration(str(tmp_path), "")
    assert found is not None
    assert [entry.owner for entry in found[1].exemptions] == ["team orders"]
    assert found[1].faulty == ()
    for variable in VARIABLES:
        assert f"`{variable}`" in page
    assert all(
        f"`{name}`" in page
        for name in (
            "address",
            "account",
            "region",
            "workspace",
            "directory",
            "tags",
            "stage",
            "api",
        )
    )
