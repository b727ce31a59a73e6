"""`--trust-bundle` edits a place only together with what makes Terraform send it, or leaves it to the user."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import BASE, CERTIFICATE, bounded, lay, tree, world

from checker.cli.patch_preview import patch_text, repository_paths
from checker.errors import UnprovenError
from checker.hcl.byte_proof import prove_bytes
from checker.hcl.proof import AddedArgument, Intent, prove
from checker.hcl.splice import Edit, splice
from checker.hcl.syntax import SourceFile, Span
from checker.model.rotation import SERIES, Delivery, Phase

C = f"{CERTIFICATE}.orders"
N = f"{CERTIFICATE}.orders_202611"
PEM, NEW = f"{C}.pem_encoded_certificate", f"{N}.pem_encoded_certificate"
BOTH = f'join("\\n", [trimspace({PEM}), trimspace({NEW})])'
PUSH = '  provisioner "local-exec" {\n    command = "push"\n    environment = {\n      PEM = %s\n    }\n  }\n'
WRITTEN = f'resource "aws_ssm_parameter" "x" {{\n  value_wo         = {PEM}\n  value_wo_version = %s\n}}\n'
SECRET = (
    f'resource "kubernetes_secret_v1" "x" {{\n  data_wo = {{ ca = {PEM} }}\n'
    "  data_wo_revision = 41\n}\n"
)
TRIGGER = f'resource "terraform_data" "x" {{\n  triggers_replace = %s\n{PUSH % PEM}}}\n'
MAP = f'resource "null_resource" "x" {{\n  triggers = {{\n    ca = %s\n    n  = "1"\n  }}\n{PUSH % PEM}}}\n'
HELD = (
    'resource "terraform_data" "t" {\n  input = %s\n}\n'
    + TRIGGER.replace("  triggers_replace = %s\n", "").removesuffix("}\n")
    + "  lifecycle {\n    replace_triggered_by = [terraform_data.t]\n  }\n}\n"
)
BY_HASH = (
    f'resource "aws_ssm_parameter" "x" {{\n  value_wo         = {PEM}\n'
    "  value_wo_version = parseint(substr(sha256(%s), 0, 6), 16)\n}\n"
)
VERSIONING = """\
resource "aws_s3_bucket" "b" {
  bucket = "trust"
}

resource "aws_s3_bucket_versioning" "b" {
  bucket = aws_s3_bucket.b.id

  versioning_configuration {
    status = "Enabled"
  }
}
"""
OBJECT = f"""
resource "aws_s3_object" "o" {{
  bucket  = aws_s3_bucket.b.bucket
  key     = "ca.pem"
  content = {PEM}
}}
"""
STORE = """
resource "aws_lb_trust_store" "x" {
  name                             = "x"
  ca_certificates_bundle_s3_bucket = aws_s3_object.o.bucket
  ca_certificates_bundle_s3_key    = aws_s3_object.o.key
%s}
"""
LINE = "\n  ca_certificates_bundle_s3_object_version = aws_s3_object.o.version_id\n"
TAGS = "\n  tags = {}\n"


def rotate(home):
    """Write and apply every phase with the option; yield the text of each."""
    for phase in SERIES:
        _, patches = home.ask(trust_bundle=True)
        assert [entry.phase for entry in patches.patches] == [phase], patches.rotations
        home.write(patches)
        home.apply(phase, patches.rotations)
        yield (home.folder / "trust.tf").read_bytes().decode()


DROP = '  provisioner "local-exec" {\n    when    = destroy\n    command = "drop ${self.triggers.%s} ${self.id}"\n  }\n'
SENT = {
    "a version": (WRITTEN % 1, WRITTEN % 2, WRITTEN % 3),
    "a version of many digits": (WRITTEN % 1999, WRITTEN % 2000, WRITTEN % 2001),
    "a revision": tuple(SECRET.replace("41", str(number)) for number in (41, 42, 43)),
    "a trigger": (TRIGGER % f"[{C}.id]", TRIGGER % f"[{PEM}]", TRIGGER % f"[{PEM}]"),
    "the whole trigger": (TRIGGER % f"{C}.arn", TRIGGER % PEM, TRIGGER % PEM),
    "a hash of the id": (
        TRIGGER % f'{{ a = "x", b = [md5("${{{C}.id}}")] }}',
        TRIGGER % f'{{ a = "x", b = [md5("${{{PEM}}}")] }}',
        TRIGGER % f'{{ a = "x", b = [md5("${{{PEM}}}")] }}',
    ),
    "a map of triggers": (MAP % f"{C}.id", MAP % PEM, MAP % PEM),
    "a map whose other key is read": tuple(
        (MAP % each).removesuffix("}\n") + DROP % "n" + "}\n" for each in (f"{C}.id", PEM, PEM)
    ),
    "a number at the end of a file": tuple(
        WRITTEN % each + "# the end" for each in (1, 2, 3)
    ),
    "the id and the PEM": (
        TRIGGER % f"[{C}.id, {PEM}]",
        TRIGGER % f"[{PEM}, {PEM}]",
        TRIGGER % f"[{PEM}, {PEM}]",
    ),
    "a trigger of another resource": (HELD % f"{C}.id", HELD % PEM, HELD % PEM),
    "a version by the id": (BY_HASH % f"{C}.id", BY_HASH % PEM, BY_HASH % PEM),
    "an object's version": (
        VERSIONING + OBJECT + STORE % "",
        VERSIONING + OBJECT + STORE % LINE,
        VERSIONING + OBJECT + STORE % LINE,
    ),
    "an object's version before other arguments": (
        VERSIONING + OBJECT + STORE % TAGS,
        VERSIONING + OBJECT + STORE % (LINE + TAGS),
        VERSIONING + OBJECT + STORE % (LINE + TAGS),
    ),
    "an object's version after the lines of its key": tuple(
        VERSIONING + OBJECT + STORE % f'  region = "r"\n{line}' for line in ("", LINE, LINE)
    ),
    "an object's version, CRLF": tuple(
        (VERSIONING + OBJECT + STORE % line).replace("\n", "\r\n") for line in ("", LINE, LINE)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SENT)
def test_an_edit_goes_with_what_makes_terraform_send_it(name, tmp_path):
    """In introduce and again in retire; repoint changes nothing of it."""
    before, introduced, retired = SENT[name]
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": before.encode()})
    (first, second, third) = rotate(home)
    wanted = introduced.replace(PEM, BOTH)
    assert (first, second) == (wanted, wanted)
    assert third == retired.replace(PEM, NEW)


@pytest.mark.parametrize("name", SENT)
def test_what_is_said_is_what_is_written(name, tmp_path):
    """Every place is sent both PEMs in introduce, and none of them is left for repoint."""
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": SENT[name][0].encode()})
    _, patches = home.ask(every=True, trust_bundle=True)
    ground = repository_paths(home.configuration())
    said = {
        entry.phase: patch_text(entry, ground).decode().partition("diff --git")[0]
        for entry in patches.patches
    }
    assert ".x changes in this apply and has both PEMs after it" in said[Phase.INTRODUCE]
    assert "keeps the old PEM" not in said[Phase.INTRODUCE]
    assert "trust:" not in said[Phase.REPOINT]
    assert "takes the id too" not in said[Phase.REPOINT]
    assert ".x changes in this apply and has only the new PEM after it" in said[Phase.RETIRE]


IGNORING = "  lifecycle {\n    ignore_changes = [%s]\n  }\n}\n"
UNVERSIONED = VERSIONING.replace("Enabled", "Suspended")
DESTROY = '  provisioner "local-exec" {\n    when    = destroy\n    command = "drop ${self.triggers.%s}"\n  }\n'
MANUAL = {
    "a version that is no literal": (WRITTEN % "var.v", "raise value_wo_version"),
    "a version that is text": (WRITTEN % '"1"', "raise value_wo_version"),
    "a version that is a fraction": (WRITTEN % "1.5", "raise value_wo_version"),
    "a version that is too large": (WRITTEN % 9999999999, "raise value_wo_version"),
    "a version that cannot rise twice": (WRITTEN % (2**31 - 2), "raise value_wo_version"),
    "no version": (
        WRITTEN.replace("  value_wo_version = %s\n", ""),
        "set value_wo_version, and raise it",
    ),
    "an ignored version": (
        (WRITTEN % 1).removesuffix("}\n") + IGNORING % "value_wo_version",
        "raise value_wo_version",
    ),
    "an ignored argument": (
        (WRITTEN % 1).removesuffix("}\n") + IGNORING % "value_wo",
        "take value_wo out of ignore_changes first",
    ),
    "a version for every instance": (
        (WRITTEN % 1).replace("{\n", f"{{\n  for_each = {{ a = {PEM} }}\n", 1).replace(
            f"value_wo         = {PEM}", "value_wo         = each.value"
        ),
        "raise value_wo_version",
    ),
    "a version in a nested block": (
        f'resource "aws_ssm_parameter" "x" {{\n  n {{\n    v_wo         = {PEM}\n    v_wo_version = 1\n  }}\n}}\n',
        "raise v_wo_version",
    ),
    "no trigger": (TRIGGER.replace("  triggers_replace = %s\n", ""), "let triggers_replace"),
    "a trigger of something else": (TRIGGER % '["1"]', "let triggers_replace"),
    "an id through a local": (
        f"locals {{\n  i = {C}.id\n}}\n" + TRIGGER % "[local.i]",
        "let triggers_replace",
    ),
    "an id under a condition": (
        TRIGGER % f'[var.on ? {C}.id : ""]',
        "let triggers_replace",
    ),
    "a part of the id": (TRIGGER % f"[substr({C}.id, 0, 3)]", "let triggers_replace"),
    "an id as a key": (TRIGGER % f"{{ ({C}.id) = 1 }}", "let triggers_replace"),
    "an ignored trigger": (
        (TRIGGER % f"[{C}.id]").removesuffix("}\n") + IGNORING % "triggers_replace",
        "let triggers_replace",
    ),
    "a trigger that its own provisioner reads": (
        (MAP % f"{C}.id").removesuffix("}\n") + DESTROY % "ca" + "}\n",
        "let triggers hold",
    ),
    "a trigger that replaces something else too": (
        HELD % f"{C}.id"
        + 'resource "a_b" "y" {\n  lifecycle {\n    replace_triggered_by = [terraform_data.t]\n  }\n}\n',
        "let triggers_replace",
    ),
    "a trigger of another resource that is read": (
        HELD % f"{C}.id" + 'output "t" {\n  value = terraform_data.t.output\n}\n',
        "let triggers_replace",
    ),
    "the certificate in replace_triggered_by": (
        TRIGGER.replace("  triggers_replace = %s\n", "").removesuffix("}\n")
        + f"  lifecycle {{\n    replace_triggered_by = [{C}]\n  }}\n}}\n",
        "let triggers_replace",
    ),
    "a trigger that another block reads": (
        TRIGGER % f"[{C}.id]" + 'output "t" {\n  value = terraform_data.x.triggers_replace[0]\n}\n',
        "let triggers_replace",
    ),
    "a part of a list with the id": (TRIGGER % f"[[{C}.id][0]]", "let triggers_replace"),
    "a trigger that a provisioner reads whole": (
        (MAP % f"{C}.id").removesuffix("}\n") + DESTROY.replace(".%s", "") + "}\n",
        "let triggers hold",
    ),
    "a type that is not known": (f'resource "a_b" "x" {{\n  v = {PEM}\n}}\n', "manually"),
    "a module from elsewhere": (
        f'module "x" {{\n  source = "git::ssh://x/y"\n  ca     = {PEM}\n}}\n',
        "manually",
    ),
}  # fmt: skip


def of_x(home):
    """The consumer `x`."""
    (declared,) = home.inventory().documents[0].declared.certificates
    (found,) = [
        each for each in declared.trust if each.what.split(" (")[0].endswith((".x", "module x"))
    ]
    return found


@pytest.mark.parametrize("name", MANUAL)
def test_what_cannot_be_sent_is_left_and_named(name, tmp_path):
    """The place stays as it is, and the header says what to do; nothing says that it gets both."""
    text, step = MANUAL[name]
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    consumer = of_x(home)
    assert consumer.joined is None
    assert step in consumer.manual
    assert "give it both PEMs manually" in consumer.manual
    _, patches = home.ask(trust_bundle=True)
    (entry,) = patches.patches
    assert [change.path for change in entry.changes] == ["main.tf"]
    said = patch_text(entry, repository_paths(home.configuration())).decode()
    assert f"{consumer.what} is not edited and keeps the old PEM: {consumer.manual}" in said
    assert "has both PEMs" not in said.replace("give it both PEMs", "")


@pytest.mark.parametrize(
    "text",
    [
        UNVERSIONED + OBJECT + STORE % "",
        OBJECT + STORE % "",
        VERSIONING.replace("  bucket = aws", "  count  = 1\n  bucket = aws") + OBJECT + STORE % "",
        VERSIONING.replace('"Enabled"', "var.status") + OBJECT + STORE % "",
        VERSIONING + OBJECT.replace("aws_s3_bucket.b.bucket", "var.bucket") + STORE % "",
        VERSIONING + OBJECT + (STORE % "").replace("aws_s3_object.o.bucket", '"elsewhere"'),
        VERSIONING + OBJECT.replace("{\n", "{\n  count   = 1\n", 1) + STORE.replace(".o.", ".o[0].") % "",
        VERSIONING + OBJECT + STORE % "  lifecycle {\n    ignore_changes = all\n  }\n",
    ],
)  # fmt: skip
def test_a_trust_store_without_certain_versions_is_left(text, tmp_path):
    """Its object gets both PEMs; the trust store is named, and its text stays as it is."""
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    consumer = of_x(home)
    assert consumer.joined is None or consumer.joined.delivery in {Delivery.NEVER, Delivery.IGNORED}
    _, patches = home.ask(trust_bundle=True)
    after = {change.path: change.after.decode() for change in patches.patches[0].changes}
    assert after.get("trust.tf", text).replace(BOTH, PEM) == text
    said = patch_text(patches.patches[0], repository_paths(home.configuration())).decode()
    assert re.search(r"aws_lb_trust_store\.x (is not edited and )?keeps the old PEM", said)


def test_a_place_that_an_unknown_one_shares_is_left_to_both(tmp_path):
    """What takes the same text may break by two PEMs, so neither gets them; each is named."""
    text = (
        f"locals {{\n  ca = {PEM}\n}}\n"
        'resource "aws_ssm_parameter" "x" {\n  value = local.ca\n}\n'
        'resource "a_b" "y" {\n  v = local.ca\n}\n'
    )
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    assert "what a change does in a_b" in of_x(home).manual
    _, patches = home.ask(trust_bundle=True)
    assert [change.path for change in patches.patches[0].changes] == ["main.tf"]


def test_an_unknown_reader_behind_a_store_does_not_matter(tmp_path):
    """The parameter gets both PEMs: who reads it afterwards decides by its own text."""
    text = (
        f'resource "aws_ssm_parameter" "x" {{\n  value = {PEM}\n}}\n'
        'resource "a_b" "y" {\n  v = aws_ssm_parameter.x.value\n}\n'
    )
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    _, patches = home.ask(trust_bundle=True)
    changed = {change.path: change.after.decode() for change in patches.patches[0].changes}
    assert changed["trust.tf"] == text.replace(PEM, BOTH)


def test_a_version_in_a_module_that_others_call_is_left(tmp_path):
    """Its new number would send the other caller's value again."""
    inner = 'variable "pem" {\n  type = string\n}\n' + (WRITTEN % 1).replace(PEM, "var.pem")
    call = 'module "%s" {\n  source = "./b"\n  pem    = %s\n}\n'
    once = {"main.tf": BASE, "trust.tf": call % ("one", PEM), "b/main.tf": inner}
    home = world(tmp_path / "once", once)
    after = {
        change.path: change.after.decode()
        for change in home.ask(trust_bundle=True)[1].patches[0].changes
    }
    assert after["b/main.tf"] == inner.replace("version = 1", "version = 2")
    assert after["trust.tf"] == (call % ("one", BOTH))
    home = world(tmp_path / "twice", {**once, "other.tf": call % ("two", '"-----"')})
    assert [change.path for change in home.ask(trust_bundle=True)[1].patches[0].changes] == [
        "main.tf"
    ]


def test_a_version_that_an_override_file_sets_is_left(tmp_path):
    """The number in the text is not the one that Terraform reads."""
    home = world(
        tmp_path,
        {
            "main.tf": BASE,
            "trust.tf": WRITTEN % 1,
            "trust_override.tf": 'resource "aws_ssm_parameter" "x" {\n  value_wo_version = 7\n}\n',
        },
    )
    assert of_x(home).joined is None


def test_two_certificates_in_one_argument_raise_its_version_twice(tmp_path):
    """Each rotation raises it by one, and the proof adds both up."""
    second = (
        BASE.replace('"orders"', '"items"')
        .replace(C, f"{CERTIFICATE}.items")
        .replace('"prod"', '"test"')
    )
    other = f"{CERTIFICATE}.items"
    text = (WRITTEN % 1).replace(PEM, f'"${{{PEM}}}\\n${{{PEM.replace(C, other)}}}"')
    home = world(
        tmp_path,
        {"main.tf": BASE, "more.tf": second, "trust.tf": text},
        certificates={C: "old000", other: "old111"},
        stages={
            "aws_api_gateway_stage.prod": "old000",
            "aws_api_gateway_stage.test": "old111",
        },
    )
    _, patches = home.ask(trust_bundle=True)
    assert len(patches.patches[0].rotations) == 2, patches.rotations
    home.write(patches)
    after = (tmp_path / "trust.tf").read_text()
    assert "value_wo_version = 3" in after
    assert after.count("join(") == 2


def test_a_written_version_is_not_raised_again(tmp_path):
    """I6: asking for introduce again changes nothing, and repoint says that the plan had to change it."""
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": WRITTEN % 1})
    _, patches = home.ask(trust_bundle=True)
    home.write(patches)
    assert home.ask(phase=Phase.INTRODUCE, trust_bundle=True)[1].patches == ()
    home.apply(Phase.INTRODUCE, patches.rotations)
    _, patches = home.ask(trust_bundle=True)
    said = patch_text(patches.patches[0], repository_paths(home.configuration())).decode()
    assert "aws_ssm_parameter.x has both PEMs only if the apply of introduce changed it" in said


KEY = ("resource", ("aws_ssm_parameter", "x"))
RAISE = Intent(
    kind=CERTIFICATE, old="orders", new="orders_202611", raised={(KEY, "value_wo_version"): 1}
)


def proven(before, after, intent, edits):
    """Prove edits by structure and by bytes."""
    file = SourceFile("a.tf", before.encode())
    assert splice({"a.tf": file.data}, edits).get("a.tf", file.data) == after.encode()
    prove("a.tf", file.data, after.encode(), (intent,))
    prove_bytes(file, after.encode(), edits, (intent,))


@bounded
@given(
    was=st.integers(0, 10**8),
    becomes=st.integers(0, 10**8) | st.none(),
    where=st.sampled_from(["value_wo_version", "tier_count"]),
)
def test_a_number_rises_by_one_in_its_argument_and_nowhere_else(was, becomes, where):
    """Every other number, and every other argument, is refused."""
    becomes = was + 1 if becomes is None else becomes
    text = f'resource "aws_ssm_parameter" "x" {{\n  value_wo_version = {was}\n  tier_count = {was}\n}}\n'
    start = text.index(where) + len(f"{where} = ")
    edit = Edit(path="a.tf", span=Span(start, start + len(str(was))), text=str(becomes).encode())
    if becomes == was:
        return
    after = text[: edit.span.start] + str(becomes) + text[edit.span.end :]
    if becomes == was + 1 and where == "value_wo_version":
        proven(text, after, RAISE, [edit])
        return
    with pytest.raises(UnprovenError, match=r"rise by exactly|changed|more than"):
        prove("a.tf", text.encode(), after.encode(), (RAISE,))
    with pytest.raises(UnprovenError, match="more than a name or an id"):
        prove_bytes(SourceFile("a.tf", text.encode()), after.encode(), [edit], (RAISE,))


TRIGGERED = ("resource", ("terraform_data", "x"))
MOVE = Intent(
    kind=CERTIFICATE,
    old="orders",
    new="orders_202611",
    joins={TRIGGERED: 1},
    triggers={(TRIGGERED, "triggers_replace"): 1},
)


@pytest.mark.parametrize(
    ("place", "becomes", "is_proven"),
    [
        ("triggers_replace", BOTH, True),
        ("input", BOTH, False),
        ("triggers_replace", BOTH.replace(PEM, NEW), False),
        ("triggers_replace", f'join("\\n", [trimspace({NEW}), trimspace({PEM})])', False),
        ("triggers_replace", PEM, False),
        ("triggers_replace", f"{N}.id", False),
    ],
)
def test_an_id_becomes_both_pems_in_its_trigger_and_nothing_else(place, becomes, is_proven):
    """Another argument, another order, one PEM or another id is refused."""
    text = (
        f'resource "terraform_data" "x" {{\n  triggers_replace = [{C}.id]\n  input = [{C}.id]\n}}\n'
    )
    start = text.index(place) + len(f"{place} = [")
    edit = Edit(path="a.tf", span=Span(start, start + len(f"{C}.id")), text=becomes.encode())
    after = text[: edit.span.start] + becomes + text[edit.span.end :]
    if is_proven:
        proven(text, after, MOVE, [edit])
        return
    with pytest.raises(UnprovenError):
        proven(text, after, MOVE, [edit])


ADDED = ("resource", ("aws_lb_trust_store", "x"))
VERSION = "ca_certificates_bundle_s3_object_version"
ADD = Intent(
    kind=CERTIFICATE,
    old="orders",
    new="orders_202611",
    arguments=(AddedArgument(block=ADDED, name=VERSION, value="aws_s3_object.o.version_id"),),
)


@pytest.mark.parametrize(
    ("added", "is_proven"),
    [
        (LINE, True),
        (LINE.replace("version_id", "etag"), False),
        (LINE.replace(".o.", ".other."), False),
        (LINE.replace("object_version", "key"), False),
        (LINE + "  # and more\n", False),
        (LINE + '  name = "y"\n', False),
        ("", False),
    ],
)
def test_an_argument_is_added_to_its_block_and_nothing_else(added, is_proven):
    """Another value, another name, a comment or a second argument is refused."""
    text = STORE.removeprefix("\n") % ""
    at = len(text) - 2
    edits = [Edit(path="a.tf", span=Span(at, at), text=added.encode())] if added else []
    after = text[:at] + added + text[at:]
    if is_proven:
        proven(text, after, ADD, edits)
        return
    file = SourceFile("a.tf", text.encode())
    with pytest.raises(UnprovenError):
        proven(text, after, ADD, edits)
    if "#" not in added:
        # The structure alone shows it; a comment is only in the bytes.
        with pytest.raises(UnprovenError, match=r"added to|more than|changed"):
            prove("a.tf", file.data, after.encode(), (ADD,))


@bounded
@given(
    number=st.integers(0, 2**31 - 3),
    blank=st.sampled_from(["", " ", "\t"]),
    tail=st.sampled_from(["", " # n", " // 7"]),
)
def test_every_whole_number_rises_by_one_and_comes_back(number, blank, tail, tmp_path_factory):
    """Whatever its spacing and its comment: each other byte of the line stays, in introduce and in retire."""
    line = f"value_wo_version ={blank}%s{tail}\n"
    text = (WRITTEN % 0).replace("value_wo_version = 0\n", line % number)
    folder = tmp_path_factory.mktemp("number")
    lay(folder, {"main.tf": BASE, "trust.tf": text})
    home = world(folder, {})
    (first, _, third) = rotate(home)
    assert line % (number + 1) in first
    assert line % (number + 2) in third
    assert set(tree(folder)) == {"main.tf", "trust.tf"}
