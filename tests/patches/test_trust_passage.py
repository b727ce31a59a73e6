"""What is left of a PEM on its way: a hash, a comparison, a branch that is not taken, a key of instances, one certificate."""

from __future__ import annotations

import pytest
from test_trust_consumers import PEM, PUSH, C, consumers, headers
from world import BASE, world

from checker.cli.patch_preview import patch_text, repository_paths
from checker.model.rotation import Delivery, Phase

LOCAL = f"locals {{\n  p    = {PEM}\n  pems = [{PEM}]\n}}\n"
NAME = "aws_ssm_parameter.x"


def parameter(value, more=""):
    return f'resource "aws_ssm_parameter" "x" {{\n{more}  name  = "x"\n  value = {value}\n}}\n'


def first_header(folder, text, **more):
    return headers(folder, {"trust.tf": text, **more}, trust_bundle=True)[Phase.INTRODUCE]


KEYED = [
    parameter("each.value", f"  for_each = toset([{PEM}])\n"),
    parameter("each.key", f"  for_each = toset([{PEM}])\n"),
    parameter("each.key", f"  for_each = {{ ({PEM}) = 1 }}\n"),
    LOCAL + parameter("each.value", "  for_each = toset(local.pems)\n"),
    LOCAL + parameter("each.value", '  for_each = local.p == "" ? {} : { a = local.p }\n'),
    LOCAL + parameter("each.value", '  for_each = { for k, v in { a = local.p } : k => v if v != "" }\n'),
    LOCAL + parameter("local.p", '  count = local.p != "" ? 1 : 0\n'),
    LOCAL + parameter("local.p", "  count = length(local.p) > 0 ? 1 : 0\n"),
    LOCAL + parameter("local.p", "  count = length(compact(local.pems))\n"),
    f'locals {{\n  p  = {PEM}\n  on = local.p != ""\n}}\n' + parameter('"x"', "  count = local.on ? 1 : 0\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", KEYED)
def test_instances_that_depend_on_the_pem_are_not_edited(text, tmp_path):
    """Terraform cannot plan them with a PEM that is known only after the apply, so --trust-bundle is refused."""
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    (declared,) = home.inventory().documents[0].declared.certificates
    assert (f"resource {NAME}", Delivery.KEY) in {
        (each.what, each.delivery) for each in declared.trust
    }
    (entry,) = home.ask(trust_bundle=True)[1].patches
    changed = {change.path: change.after.decode() for change in entry.changes}
    assert [
        line
        for line in changed.get("trust.tf", text).splitlines()
        if line not in text and not line.startswith("  p ")
    ] == []
    # There the value has a reference to the PEM of its own.
    assert ("trust.tf" in changed) is ("compact" in text)
    header = patch_text(entry, repository_paths(home.configuration())).decode()
    assert f"{NAME} is not edited where the old PEM decides on its instances: its " in header
    assert "depends on the text of the PEM" in header
    assert "depend on a name or a variable, not on the PEM" in header


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ('  count  = local.p == "" ? 0 : 1\n  pem    = local.p\n', "its count depends"),
        (f"  for_each = toset([{PEM}])\n  pem      = each.value\n", "its for_each depends"),
    ],
)
def test_calls_of_modules_that_depend_on_the_pem_too(call, line, tmp_path):
    """The instances of a module are planned in the same way."""
    files = {
        "trust.tf": f'{LOCAL}module "m" {{\n  source = "./m"\n{call}}}\n',
        "m/main.tf": 'variable "pem" {\n  type = string\n}\n' + parameter("var.pem"),
    }
    assert line in consumers(tmp_path, files)["module m"].effect


SAFE = [
    parameter("each.value", f"  for_each = {{ a = {PEM} }}\n"),
    LOCAL + parameter("local.p", "  count = local.p != null ? 1 : 0\n"),
    LOCAL + parameter("local.pems[count.index]", "  count = length(local.pems)\n"),
    LOCAL + parameter('local.p != "" ? local.p : "none"'),
    parameter(f'true ? {PEM} : "none"'),
    parameter(f'coalesce({PEM}, "none")'),
    parameter(f'join("\\n", [for p in [{PEM}] : p if p != ""])'),
    f'module "m" {{\n  source = "./m"\n  pem    = {PEM}\n}}\n',
]  # fmt: skip
MODULE = {
    "m/main.tf": 'variable "pem" {\n  type = string\n}\n'
    + parameter("var.pem", "  count = var.pem == null ? 0 : 1\n")
}


@pytest.mark.parametrize("text", SAFE)
def test_what_certainly_takes_the_pem_says_no_condition(text, tmp_path):
    """A map's value, the number of a list's elements, and a condition that asks only whether the PEM is there."""
    header = first_header(tmp_path, text, **(MODULE if "module" in text else {}))
    assert "changes in this apply and has both PEMs after it" in header
    assert "only if" not in header


OPEN = [
    (parameter(f'var.on ? {PEM} : "none"'), "`var.on` is true"),
    (parameter(f'var.off ? "none" : {PEM}'), "`var.off` is false"),
    (parameter(f"<<-EOT\n%{{ if var.on }}${{{PEM}}}%{{ endif }}\nEOT"), "`var.on` is true"),
    (parameter(f"<<-EOT\n%{{ if var.on }}a%{{ else }}${{{PEM}}}%{{ endif }}\nEOT"), "`var.on` is false"),
    (parameter(f"coalesce(var.other, {PEM})"), "the arguments of coalesce before it"),
    (parameter(f"try(var.other.ca, {PEM})"), "the arguments of try before it"),
    (parameter(f'lookup(var.all, "ca", {PEM})'), "lookup finds no other value"),
    (parameter(f'join("", [for p in [{PEM}] : p if var.on])'), "the `if` of a `for` keeps it"),
    (f'locals {{\n  p = var.on ? {PEM} : ""\n}}\n' + parameter("local.p"), "`var.on` is true"),
    (parameter(PEM, "  count = var.on ? 1 : 0\n"), "`var.on` is true"),
    (parameter(PEM, "  count = var.off ? 0 : 1\n"), "`var.off` is false"),
    (parameter(PEM, "  count = var.number\n"), "its count is not 0"),
    (parameter(PEM, "  for_each = var.on ? var.names : {}\n"), "its for_each is not empty"),
    (f'module "m" {{\n  source = "./m"\n  count  = var.on ? 1 : 0\n  pem    = {PEM}\n}}\n', "`var.on` is true"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "condition"), OPEN)
def test_a_condition_is_said_wherever_it_may_leave_the_pem_out(text, condition, tmp_path):
    """In each phase, and never `has both PEMs after it`: the other branch may be the one in force."""
    more = MODULE if "module" in text else {}
    said = headers(tmp_path, {"trust.tf": text, **more}, trust_bundle=True)
    assert (
        f"both PEMs in its text from this apply on, and takes them only if {condition}"
        in said[Phase.INTRODUCE]
    )
    assert f"has both PEMs only if {condition}" in said[Phase.REPOINT]
    assert f"from this apply on, and only if {condition}" in said[Phase.RETIRE]
    assert "has both PEMs after it" not in said[Phase.INTRODUCE]


def test_the_condition_of_the_certificate_itself_is_none(tmp_path):
    """What has the same `count` is there whenever the certificate is."""
    count = "  count = var.on ? 1 : 0\n"
    head = 'resource "aws_api_gateway_client_certificate" "orders" {\n'
    main = BASE.replace(head, head + count).replace("orders.id", "orders[0].id")
    text = parameter(f"{C}[0].pem_encoded_certificate", count)
    home = world(tmp_path, {"main.tf": main, "trust.tf": text}, certificates={f"{C}[0]": "old000"})
    (declared,) = home.inventory().documents[0].declared.certificates
    assert [each.only_if for each in declared.trust] == [""]


@pytest.mark.parametrize(
    "text",
    [
        parameter(f'{PEM} != "" ? "yes" : "no"'),
        parameter(f"var.names[{PEM}]"),
        parameter(f'false ? {PEM} : "none"'),
        parameter(f'contains(var.known, {PEM}) ? "yes" : "no"'),
        parameter('"x"', f'  count = {PEM} != "" ? 1 : 0\n'),
        f'locals {{\n  on = {PEM} != ""\n}}\n' + parameter('"x"', "  count = local.on ? 1 : 0\n"),
    ],
)
def test_what_takes_no_byte_of_the_pem_is_no_consumer(text, tmp_path):
    """A comparison, an index and a branch that is never taken are not edited and not named."""
    assert consumers(tmp_path, {"trust.tf": text}) == {}
    _, patches = world(tmp_path, {"main.tf": BASE, "trust.tf": text}).ask(trust_bundle=True)
    assert [change.path for change in patches.patches[0].changes] == ["main.tf"]


ONE = [
    ("aws_acm_certificate", "certificate_body"),
    ("aws_acm_certificate", "certificate_chain"),
    ("aws_iam_signing_certificate", "certificate_body"),
    ("aws_iot_ca_certificate", "ca_certificate_pem"),
    ("aws_iot_certificate", "certificate_pem"),
    ("google_certificate_manager_trust_config", "pem_certificate"),
]


@pytest.mark.parametrize(("kind", "argument"), ONE)
def test_an_argument_for_one_certificate_gets_no_join(kind, argument, tmp_path):
    """It keeps the old one until retire, and each phase says so."""
    text = f'resource "{kind}" "x" {{\n  {argument} = {PEM}\n}}\n'
    home = world(tmp_path / "a", {"main.tf": BASE, "trust.tf": text})
    (entry,) = home.ask(trust_bundle=True)[1].patches
    assert [change.path for change in entry.changes] == ["main.tf"]
    said = headers(tmp_path / "b", {"trust.tf": text}, trust_bundle=True)
    assert f"{kind}.x is not edited and fits only the old certificate" in said[Phase.INTRODUCE]
    assert f"{kind}.x still fits only the old certificate" in said[Phase.REPOINT]
    assert f"{kind}.x changes in this apply and fits only the new" in said[Phase.RETIRE]
    assert "takes exactly one certificate" in said[Phase.INTRODUCE]


def test_one_value_for_a_bundle_and_for_one_certificate_is_not_edited(tmp_path):
    """A local that feeds both cannot be edited for one of them."""
    text = (
        LOCAL
        + parameter("local.p")
        + 'resource "aws_acm_certificate" "y" {\n  certificate_body = local.p\n}\n'
    )
    _, patches = world(tmp_path / "a", {"main.tf": BASE, "trust.tf": text}).ask(trust_bundle=True)
    assert [change.path for change in patches.patches[0].changes] == ["main.tf"]
    header = first_header(tmp_path / "b", text)
    reason = "certificate_body of aws_acm_certificate takes exactly one certificate"
    assert f"{NAME} is not edited and keeps the old PEM: {reason}" in header
    assert "aws_acm_certificate.y is not edited and fits only the old certificate" in header


HASHES = [
    f'resource "terraform_data" "x" {{\n  triggers_replace = [sha256({PEM})]\n}}\n',
    f'resource "null_resource" "x" {{\n  triggers = {{ h = md5({PEM}) }}\n}}\n',
    f'resource "aws_instance" "x" {{\n  tags = {{ ca = sha1({PEM}) }}\n}}\n',
    f'locals {{\n  h = base64sha256({PEM})\n}}\nresource "a_b" "x" {{\n  content_hash = local.h\n}}\n',
]


@pytest.mark.parametrize("text", HASHES)
def test_a_hash_that_only_watches_has_no_pem(text, tmp_path):
    """It changes with the PEM, which every phase that changes it says, and it is no evidence of trust."""
    ((what, found),) = consumers(tmp_path / "a", {"trust.tf": text}).items()
    assert (found.delivery, found.has_pem, found.attribute) == (Delivery.FOLLOWS, False, None)
    said = headers(tmp_path / "b", {"trust.tf": text}, trust_bundle=True)
    for phase in (Phase.INTRODUCE, Phase.RETIRE):
        assert f"{what} changes in this apply, and has no PEM itself" in said[phase]
    assert what not in said[Phase.REPOINT]


@pytest.mark.parametrize(
    "text",
    [
        parameter(f"sha256({PEM})"),
        f'resource "a_b" "x" {{\n  allowed = [sha1({PEM})]\n}}\n',
        f'resource "terraform_data" "x" {{\n  triggers_replace = [{C}.id]\n{PUSH % f"sha256({PEM})"}}}\n',
    ],
)
def test_a_hash_that_may_be_compared_is_not_edited(text, tmp_path):
    """The hash of two PEMs is the hash of neither, so a backend that compares it would refuse both."""
    header = first_header(tmp_path / "a", text)
    assert "is not edited" in header or "keeps the old PEM" in header
    assert "has both PEMs" not in header
    home = world(tmp_path / "b", {"main.tf": BASE, "trust.tf": text})
    (entry,) = home.ask(trust_bundle=True)[1].patches
    assert [change.path for change in entry.changes] == ["main.tf"]


def test_a_hash_beside_the_pem_is_said_once_and_edited(tmp_path):
    """The version of a write-only argument, an etag, and a trigger beside a provisioner."""
    text = (
        f'resource "aws_s3_object" "x" {{\n  key     = "ca"\n  content = {PEM}\n  etag    = md5({PEM})\n}}\n'
        f'resource "terraform_data" "y" {{\n  triggers_replace = [sha256({PEM})]\n{PUSH % PEM}}}\n'
    )
    home = world(tmp_path, {"main.tf": BASE, "trust.tf": text})
    (entry,) = home.ask(trust_bundle=True)[1].patches
    edited = next(change.after for change in entry.changes if change.path == "trust.tf")
    assert edited.count(b"join(") == 4
    (declared,) = home.inventory().documents[0].declared.certificates
    assert [each.what for each in declared.trust] == [
        "resource aws_s3_object.x",
        "resource terraform_data.y",
    ]


def test_what_only_sits_in_replace_triggered_by_has_no_pem(tmp_path):
    """It is replaced, and what it reads is not known: never `has both PEMs`."""
    text = (
        parameter(PEM)
        + f'resource "aws_instance" "y" {{\n  lifecycle {{\n    replace_triggered_by = [{NAME}]\n  }}\n}}\n'
    )
    found = consumers(tmp_path, {"trust.tf": text})
    assert found["aws_instance.y"].delivery is Delivery.FOLLOWS
    assert found[NAME].delivery is Delivery.SENT


SELF = '  provisioner "local-exec" {\n%s    command = "push ${self.%s}"\n  }\n'


@pytest.mark.parametrize(
    ("kind", "argument", "run", "delivery"),
    [
        ("aws_ssm_parameter", "value", SELF % ("", "value"), Delivery.NEVER),
        ("aws_secretsmanager_secret_version", "secret_string", SELF % ("", "secret_string"), Delivery.REPLACED),
        ("aws_ssm_parameter", "value", SELF % ("", "name"), None),
        ("aws_ssm_parameter", "value", SELF % ("    when = destroy\n", "value"), None),
    ],
)  # fmt: skip
def test_a_provisioner_that_takes_the_pem_from_self_is_a_consumer(
    kind, argument, run, delivery, tmp_path
):
    """It runs again only if its resource is replaced; the resource itself is another consumer."""
    text = f'resource "{kind}" "x" {{\n  {argument} = {PEM}\n{run}}}\n'
    found = consumers(tmp_path, {"trust.tf": text})
    assert found.pop(f"{kind}.x").delivery in {Delivery.SENT, Delivery.REPLACED}
    name = f"a provisioner of resource {kind}.x"
    assert {what: each.delivery for what, each in found.items()} == (
        {} if delivery is None else {name: delivery}
    )
