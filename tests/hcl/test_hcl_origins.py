"""Where the id of a stage comes from, and where the id of a certificate goes, as reports say it."""

from __future__ import annotations

import pytest
from world import CERTIFICATE, STAGE, lay

from checker.hcl.configuration import load_configuration
from checker.hcl.flow import follow_certificate
from checker.hcl.origins import Producer, origins
from checker.terraform.cautions import describe_origins

C = f"{CERTIFICATE}.orders.id"
DECLARED = f'resource "{CERTIFICATE}" "orders" {{\n}}\n'


def stage(takes):
    return f'resource "{STAGE}" "prod" {{\n  client_certificate_id = {takes}\n}}\n'


def produced(folder, files, module=()):
    """Return what the id of the stage `prod` comes from, by kind and name."""
    configuration = load_configuration(str(lay(folder, files)))
    ((file, block),) = configuration.blocks(module, "resource", STAGE, "prod")
    found = origins(configuration, module, file, block, "client_certificate_id")
    return configuration, found


INSIDE = {"m/main.tf": 'variable "id" {\n  type = string\n}\n' + stage("var.id")}
CALL = 'module "m" {\n  source = "./m"\n%s}\n'
OUTPUT = 'output "id" {\n  value = var.id\n}\nvariable "id" {\n}\n'
FROM = [
    ("a local twice", {"main.tf": stage("coalesce(local.a, local.b, local.a)") + "locals {\n  a = var.x\n  b = data.a.b.id\n}\n"}, (), [(Producer.VARIABLE, "x"), (Producer.DATA, "data.a.b")]),
    ("an argument", {**INSIDE, "main.tf": CALL % "  id = var.x\n"}, ("m",), [(Producer.VARIABLE, "x")]),
    ("a variable twice", {"m/main.tf": 'variable "id" {\n}\n' + stage('coalesce(var.id, "${var.id}")'), "main.tf": CALL % "  id = var.x\n"}, ("m",), [(Producer.VARIABLE, "x")]),
    ("no argument and no default", {**INSIDE, "main.tf": CALL % ""}, ("m",), []),
    ("a default", {"m/main.tf": 'variable "id" {\n  default = data.aws_x.y.id\n}\n' + stage("var.id"), "main.tf": CALL % ""}, ("m",), [(Producer.DATA, "data.aws_x.y")]),
    ("a variable that nothing declares", {"m/main.tf": stage("var.id"), "main.tf": CALL % ""}, ("m",), []),
    ("an output twice", {"main.tf": stage('"${module.m.id}${module.m.id}"') + CALL % "  id = aws_x.y.id\n", "m/main.tf": OUTPUT}, (), [(Producer.RESOURCE, "aws_x.y")]),
    ("an output without a value", {"main.tf": stage("module.m.id") + CALL % "", "m/main.tf": 'output "id" {\n}\n'}, (), []),
    ("a module elsewhere", {"main.tf": stage("module.m.id") + 'module "m" {\n  source = "git::x"\n}\n'}, (), [(Producer.MODULE, "m")]),
]  # fmt: skip


@pytest.mark.parametrize(("files", "module", "expected"), [each[1:] for each in FROM], ids=[each[0] for each in FROM])  # fmt: skip
def test_an_id_is_followed_back_to_what_makes_it(files, module, expected, tmp_path):
    """Through locals, arguments, defaults and outputs; a place that is read twice counts once."""
    _, found = produced(tmp_path, files, module)
    assert [(each.producer, each.text) for each in found] == expected


STATE = 'data "terraform_remote_state" "p" {\n  backend = "s3"\n%s}\n'


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ('  config = {\n    bucket = "b"\n    key    = "k"\n    region = "r"\n  }\n', 'bucket "b", key "k"'),
        ("", "see its config"),
        (None, "see its config"),
    ],
)  # fmt: skip
def test_another_state_is_named_by_what_finds_it(data, where, tmp_path):
    """Its bucket and key are named, not its region; without its block, the reader looks there."""
    text = stage("data.terraform_remote_state.p.outputs.id")
    text += STATE % data if data is not None else ""
    configuration, found = produced(tmp_path, {"main.tf": text})
    words = describe_origins(configuration, found, {})
    assert f"another state ({where})" in words.what


TO = [
    ("a key of a `for`", f"{{ for k in [1] : {C} => k }}", "local.x", True),
    ("a value of a `for`", f"{{ for k in [1] : k => {C} }}", "local.x", False),
]


@pytest.mark.parametrize(("local", "for_each", "keyed"), [each[1:] for each in TO], ids=[each[0] for each in TO])  # fmt: skip
def test_an_id_in_a_for_is_a_key_or_a_value(local, for_each, keyed, tmp_path):
    """The first expression of an object `for` is the key, the second the value."""
    text = f"{DECLARED}locals {{\n  x = {local}\n}}\n" + stage("each.value").replace("{\n", f"{{\n  for_each = {for_each}\n", 1)  # fmt: skip
    configuration = load_configuration(str(lay(tmp_path, {"main.tf": text})))
    assert bool(follow_certificate(configuration, (), CERTIFICATE, "orders").keys) is keyed


INNER = {"m/main.tf": DECLARED + f'output "id" {{\n  value = "${{{C}}}${{{C}}}"\n}}\noutput "n" {{\n  value = 1\n}}\n'}  # fmt: skip
READERS = [
    ("module.m.id", True),
    ("module.m.n", False),
    ("module.m", True),
]


@pytest.mark.parametrize(("takes", "reached"), READERS)
def test_an_output_leads_to_the_stages_that_take_it(takes, reached, tmp_path):
    """A stage that takes another output of the module does not present the certificate."""
    files = {**INNER, "main.tf": CALL % "" + stage(takes)}
    configuration = load_configuration(str(lay(tmp_path, files)))
    flow = follow_certificate(configuration, ("m",), CERTIFICATE, "orders")
    assert bool(flow.stages) is reached


def test_a_module_whose_count_asks_for_the_id_takes_none(tmp_path):
    """`count` of a module call leads nowhere; an argument leads to the stage inside."""
    files = {**INSIDE, "main.tf": DECLARED + CALL % f'  count = {C} == "" ? 0 : 1\n  id = 1\n'}  # fmt: skip
    configuration = load_configuration(str(lay(tmp_path / "a", files)))
    assert not follow_certificate(configuration, (), CERTIFICATE, "orders").stages
    files["main.tf"] = DECLARED + CALL % f"  id = {C}\n"
    configuration = load_configuration(str(lay(tmp_path / "b", files)))
    assert follow_certificate(configuration, (), CERTIFICATE, "orders").stages
