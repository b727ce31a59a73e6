"""Blocks and arguments of Terraform 1.12 to 1.16 and OpenTofu 1.10 to 1.12 in a configuration.

Each stays as it is in every phase, or the caution says what it does.
"""

from __future__ import annotations

import pytest
from world import CERTIFICATE, STAGE, World, lay

from checker.model.rotation import Next, Phase

C, D = f"{CERTIFICATE}.c", f"{CERTIFICATE}.c_202611"
NEWER = f"""\
language {{
  compatible_with {{
    opentofu = ">= 1.12"
  }}
}}

variable "on" {{
  type       = bool
  default    = true
  const      = true
  deprecated = "always on"
}}

variable "token" {{
  type      = string
  ephemeral = true
}}

ephemeral "aws_ssm_parameter" "token" {{
  arn = "arn:aws:ssm:us-east-1:123456789012:parameter/token"
}}

provider "aws" {{
  alias    = "by_region"
  for_each = toset(["us-east-1", "eu-west-1"])
  region   = each.value
}}

module "other" {{
  source  = var.on ? "./other" : "./another"
  version = null
}}

action "aws_lambda_invoke" "reload" {{
  config {{
    function_name = "reload"
    payload       = jsonencode({{ stage = {STAGE}.s.invoke_url }})
  }}
}}

removed {{
  from = aws_api_gateway_rest_api.gone

  lifecycle {{
    destroy = false
  }}
}}

import {{
  for_each = {{ s = {{ region = "eu-west-1" }} }}
  to       = {STAGE}.s
  identity = {{
    region      = each.value.region
    rest_api_id = "a1"
    stage_name  = "prod"
  }}
}}

resource "{CERTIFICATE}" "c" {{
  provider = aws.by_region["eu-west-1"]
  region   = "eu-west-1"

  lifecycle {{
    enabled         = var.on
    prevent_destroy = var.on
  }}
}}

resource "{STAGE}" "s" {{
  region                = "eu-west-1"
  client_certificate_id = {C}.id

  lifecycle {{
    action_trigger {{
      events  = [before_update, after_update]
      actions = [action.aws_lambda_invoke.reload]
    }}
  }}
}}

output "old" {{
  value      = {C}.created_date
  ephemeral  = false
  deprecated = "use the bundle"
}}
"""
OWN = f"""\
resource "{CERTIFICATE}" "c" {{
  provider = aws.by_region["eu-west-1"]
  region   = "eu-west-1"

  lifecycle {{
    enabled         = var.on
    prevent_destroy = var.on
  }}
}}
"""


def asked(folder, files: dict[str, str]):
    """Return the rotation and the files of each phase, before and after."""
    lay(folder, files)
    world = World(folder=folder, certificates={C: "old000"}, stages={f"{STAGE}.s": "old000"})
    _, patches = world.ask(every=True)
    (rotation,) = patches.rotations
    texts = {
        (entry.phase, change.path): (change.before.decode(), change.after.decode())
        for entry in patches.patches
        for change in entry.changes
    }
    return rotation, texts


def test_newer_blocks_stay_byte_for_byte(tmp_path):
    """Every phase changes its own lines; all newer blocks and arguments stay, or are copied."""
    rotation, texts = asked(tmp_path, {"main.tf": NEWER})
    assert rotation.step == Next(Phase.INTRODUCE)
    own = OWN.splitlines()
    successor = [
        f"# tfcert: succeeds {C}",
        *OWN.replace('"c"', '"c_202611"').splitlines(),
        "",
        f"# tfcert: PEM of {D}, for the backends to trust",
        'output "c_202611_pem" {',
        f"  value = {D}.pem_encoded_certificate",
        "}",
    ]
    text = texts[Phase.INTRODUCE, "main.tf"][1]
    assert text == NEWER.replace(OWN, "\n".join([*own, "", *successor, ""]))
    moved = text.replace(f"client_certificate_id = {C}.id", f"client_certificate_id = {D}.id")
    assert texts[Phase.REPOINT, "main.tf"] == (text, moved)
    assert texts[Phase.RETIRE, "main.tf"] == (
        moved,
        moved.replace("\n".join([*own, "", successor[0], ""]), "").replace(
            f"{C}.created_date", f"{D}.created_date"
        ),
    )


@pytest.mark.parametrize(
    ("path", "phase", "reference"),
    [
        ("found.tfquery.hcl", Phase.RETIRE, "region"),
        ("found.tfquery.hcl", Phase.REPOINT, "id"),
    ],
)
def test_a_query_file_moves_with_what_it_names(path, phase, reference, tmp_path):
    """A query file that names the certificate is edited, and the caution has its line."""
    query = f'list "{CERTIFICATE}" "all" {{\n  provider = aws\n\n  config {{\n    region = {C}.{reference}\n  }}\n}}\n'
    rotation, texts = asked(tmp_path, {"main.tf": NEWER, path: query})
    assert {each: texts[each] for each in texts if each[1] == path} == {
        (phase, path): (query, query.replace(C, D))
    }
    told = [c.text for c in rotation.cautions if c.phase is phase and f"{path}:5" in c.text]
    assert len(told) == 1
    assert told[0].startswith("it edits query files too")


def test_a_query_file_in_json_is_named(tmp_path):
    """A query file in JSON is not edited; the caution says what fails."""
    query = (
        f'{{"list": {{"{CERTIFICATE}": {{"a": {{\n"config": {{"region": "${{{C}.region}}"}}}}}}}}}}'
    )
    rotation, texts = asked(tmp_path, {"main.tf": NEWER, "a.tfquery.json": query})
    told = [caution.text for caution in rotation.cautions if "a.tfquery.json:2" in caution.text]
    assert len(told) == 1
    assert told[0].endswith("or the query files fail")
    assert {path for _, path in texts} == {"main.tf"}


def test_a_query_file_below_the_module_is_left_alone(tmp_path):
    """Only the folder of a module has query files."""
    query = f'list "{CERTIFICATE}" "all" {{\n  config {{\n    region = {C}.region\n  }}\n}}\n'
    rotation, texts = asked(tmp_path, {"main.tf": NEWER, "sub/a.tfquery.hcl": query})
    assert {path for _, path in texts} == {"main.tf"}
    assert not any("tfquery" in caution.text for caution in rotation.cautions)


@pytest.mark.parametrize(
    ("argument", "told"), [("false", True), ("var.on", True), ("true", False), (None, False)]
)
def test_destroy_in_a_lifecycle_is_said_before_retire(argument, told, tmp_path):
    """With `destroy = false` OpenTofu only forgets the certificate: the caution names the line."""
    line = f"    destroy         = {argument}\n" if argument else ""
    text = NEWER.replace("    enabled   ", f"{line}    enabled   ", 1)
    rotation, _ = asked(tmp_path, {"main.tf": text})
    found = [caution for caution in rotation.cautions if "stays in AWS" in caution.text]
    assert [caution.phase for caution in found] == [Phase.RETIRE] * told
    at = text[: text.index(f'resource "{CERTIFICATE}"')].count("\n") + 6
    assert all(f"main.tf:{at}: " in caution.text for caution in found)


def test_a_source_that_is_an_expression_is_another_module(tmp_path):
    """The argument of a module with an unknown source moves; what the module does is its own."""
    call = f'module "one" {{\n  source = var.on ? "./a" : "./b"\n  id     = {C}.id\n}}\n'
    rotation, texts = asked(tmp_path, {"main.tf": NEWER, "call.tf": call, "a/main.tf": ""})
    assert rotation.step == Next(Phase.INTRODUCE)
    assert texts[Phase.REPOINT, "call.tf"] == (call, call.replace(C, D))
