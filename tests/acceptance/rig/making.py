"""Generate configurations by a seed: certificates and stages of many shapes, which tfcert must
rotate.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

C, S = "aws_api_gateway_client_certificate", "aws_api_gateway_stage"
MODULE = """\
variable "api" {
  type = object({ id = string, deployment = string })
}

variable "certificate" {
  type = string
}

"""


@dataclass(kw_only=True)
class Made:
    """Files by name, and the addresses of the certificates and stages that they declare."""

    files: dict[str, str] = field(default_factory=dict)
    certificates: set[str] = field(default_factory=set)
    stages: set[str] = field(default_factory=set)

    def put(self, name: str, text: str) -> None:
        self.files[name] = self.files.get(name, "") + text


def make(seed: int, size: int = 10) -> Made:
    """Generate units of random shapes over a few files with random line ends."""
    draw, made = random.Random(seed), Made()
    shapes = draw.sample(SHAPES, len(SHAPES)) * (1 + size // len(SHAPES))
    for number, shape in enumerate(shapes[:size]):
        shape(draw, made, f"u{number}")
    for name in sorted(made.files):
        text = made.files[name]
        text = text.rstrip("\n") if draw.random() < 0.3 else text
        made.files[name] = text.replace("\n", "\r\n") if draw.random() < 0.3 else text
    return made


def _file(draw: random.Random) -> str:
    return draw.choice(("certificates.tf", "stages.tf", "rest.tf"))


def _certificate(draw: random.Random, unit: str, head: str = "") -> str:
    """Return a certificate block with random comments and attributes."""
    before = draw.choice(
        (
            "",
            "",
            "# {u}: ask before you touch it\n",
            "// {u} }} {{\n",
            "/* {u}\n   over two lines */\n",
        )
    )
    body = draw.choice(
        (
            '  description = "{u}"\n',
            '  description = "{u}" # shown\n\n  tags = {{\n    "a:b" = "}}" // odd\n    c     = "${{1 + 1}}"\n  }}\n',
            "  lifecycle {{\n    create_before_destroy = true\n  }}\n",
            '\n  tags = {{ unit = "{u}" }}\n',
            "",
        )
    )
    gap = draw.choice(("\n", "\n\n"))
    return (
        f'{before.format(u=unit)}resource "{C}" "{unit}" {{\n{head}{body.format(u=unit)}}}\n{gap}'
    )


def _stage(
    draw: random.Random,
    unit: str,
    pointer: str,
    *,
    head: str = "",
    key: str = "",
    api: str = "local.api",
) -> str:
    tail = draw.choice(("", "", " # see the certificate", f" /* {C}.{unit}.id */"))
    return (
        f'resource "{S}" "{unit}" {{\n{head}  rest_api_id   = {api}.id\n  deployment_id = {api}.deployment\n'
        f'  stage_name    = "{unit}{key}"\n\n  client_certificate_id = {pointer}{tail}\n}}\n\n'
    )


def _one(
    draw: random.Random,
    made: Made,
    unit: str,
    pointer: str,
    *,
    certificate: str | None = None,
    key: str = "",
) -> None:
    made.put(_file(draw), certificate or _certificate(draw, unit))
    made.put(_file(draw), _stage(draw, unit, pointer))
    made.certificates.add(f"{C}.{unit}{key}")
    made.stages.add(f"{S}.{unit}")


def plain(draw: random.Random, made: Made, unit: str) -> None:
    own = f"{C}.{unit}.id"
    shown = (
        own,
        f'"${{{own}}}"',
        f"(\n    # why\n    {own}\n  )",
        f"try({own}, null)",
        f'coalesce("", {own})',
        f"({own})",
    )
    _one(draw, made, unit, draw.choice(shown))


def conditional(draw: random.Random, made: Made, unit: str) -> None:
    _one(draw, made, unit, f"(\n    var.on\n    ? {C}.{unit}.id // then\n    : null # else\n  )")


def counted(draw: random.Random, made: Made, unit: str) -> None:
    all_ = f"{C}.{unit}"
    shown = (
        f"{all_}[0].id",
        f"one({all_}[*].id)",
        f'element(concat({all_}.*.id, [""]), 0)',
        f"var.on ? {all_}[0].id : null",
    )
    head = draw.choice(("  count = 1\n", "  count = var.on ? 1 : 0\n"))
    _one(
        draw, made, unit, draw.choice(shown), certificate=_certificate(draw, unit, head), key="[0]"
    )


def keyed(draw: random.Random, made: Made, unit: str) -> None:
    keys = draw.choice((("a", "b"), ("x.y", 'q\\"r')))
    listed = ", ".join(f'"{key}"' for key in keys)
    made.put(_file(draw), _certificate(draw, unit, f"  for_each = toset([{listed}])\n"))
    chained = draw.random() < 0.5
    each = f"{C}.{unit}" if chained else f"toset([{listed}])"
    pointer = "each.value.id" if chained else f"{C}.{unit}[each.key].id"
    text = _stage(
        draw, unit, pointer, head=f"  for_each = {each}\n\n", key="-${substr(md5(each.key), 0, 6)}"
    )
    made.put(_file(draw), text)
    made.certificates |= {f'{C}.{unit}["{key}"]' for key in keys}
    made.stages |= {f'{S}.{unit}["{key}"]' for key in keys}


def through_locals(draw: random.Random, made: Made, unit: str) -> None:
    steps = draw.randint(1, 3)
    names = [f"{unit}_{step}" for step in range(steps)]
    values = [f"{C}.{unit}.id", *(f"local.{name}" for name in names)]
    made.put(
        _file(draw),
        "locals {\n"
        + "".join(f"  {n} = {v}\n" for n, v in zip(names, values, strict=False))
        + "}\n\n",
    )
    _one(draw, made, unit, f"local.{names[-1]}")


def in_a_map(draw: random.Random, made: Made, unit: str) -> None:
    made.put(
        _file(draw),
        f'locals {{\n  {unit} = {{\n    mine = {C}.{unit}.id # mine\n    other = "x"\n  }}\n}}\n\n',
    )
    _one(
        draw,
        made,
        unit,
        draw.choice(
            (f'local.{unit}["mine"]', f"local.{unit}.mine", f'lookup(local.{unit}, "mine", null)')
        ),
    )


def from_a_map(draw: random.Random, made: Made, unit: str) -> None:
    made.put(_file(draw), _certificate(draw, unit))
    head = f"  for_each = {{\n    one = {C}.{unit}.id\n    two = {C}.{unit}.id # the same\n  }}\n\n"
    made.put(_file(draw), _stage(draw, unit, "each.value", head=head, key="-${each.key}"))
    made.certificates.add(f"{C}.{unit}")
    made.stages |= {f'{S}.{unit}["one"]', f'{S}.{unit}["two"]'}


def into_a_module(draw: random.Random, made: Made, unit: str) -> None:
    made.put(_file(draw), _certificate(draw, unit))
    path, deep = f"modules/{unit}", draw.random() < 0.5
    inner = f"{path}/inner" if deep else path
    made.put(_file(draw), _call(unit, f"./{path}", f"{C}.{unit}.id"))
    if deep:
        made.put(
            f"{path}/main.tf", MODULE + _call("inner", "./inner", "var.certificate", api="var.api")
        )
    made.put(f"{inner}/main.tf", MODULE + _stage(draw, unit, "var.certificate", api="var.api"))
    made.certificates.add(f"{C}.{unit}")
    made.stages.add(f"module.{unit}.{'module.inner.' if deep else ''}{S}.{unit}")


def out_of_a_module(draw: random.Random, made: Made, unit: str) -> None:
    made.put(
        f"modules/{unit}/main.tf",
        _certificate(draw, unit) + f'output "id" {{\n  value = {C}.{unit}.id\n}}\n',
    )
    made.put(_file(draw), f'module "{unit}" {{\n  source = "./modules/{unit}"\n}}\n\n')
    made.put(_file(draw), _stage(draw, unit, f"module.{unit}.id"))
    made.certificates.add(f"module.{unit}.{C}.{unit}")
    made.stages.add(f"{S}.{unit}")


def websocket(draw: random.Random, made: Made, unit: str) -> None:
    made.put(_file(draw), _certificate(draw, unit))
    api = f'resource "aws_apigatewayv2_api" "{unit}" {{\n  name = "{unit}"\n  protocol_type = "WEBSOCKET"\n}}\n\n'
    made.put(_file(draw), api)
    made.put(
        _file(draw),
        f'resource "aws_apigatewayv2_stage" "{unit}" {{\n  api_id = aws_apigatewayv2_api.{unit}.id\n  name = "live"\n'
        f"  client_certificate_id = {C}.{unit}.id\n}}\n\n",
    )
    made.certificates.add(f"{C}.{unit}")
    made.stages.add(f"aws_apigatewayv2_stage.{unit}")


def trusted(draw: random.Random, made: Made, unit: str) -> None:
    """Add a unit with outputs of the PEM and the id, and a resource that depends on the
    certificate.
    """
    made.put(
        _file(draw), f'output "{unit}_pem" {{\n  value = {C}.{unit}.pem_encoded_certificate\n}}\n\n'
    )
    made.put(_file(draw), f'output "{unit}_id" {{\n  value = {C}.{unit}.id # for others\n}}\n\n')
    made.put(
        _file(draw), f'resource "terraform_data" "{unit}" {{\n  depends_on = [{C}.{unit}]\n}}\n\n'
    )
    _one(draw, made, unit, f"{C}.{unit}.id")


def _call(name: str, source: str, certificate: str, *, api: str = "local.api") -> str:
    return f'module "{name}" {{\n  source      = "{source}"\n  api         = {api}\n  certificate = {certificate}\n}}\n\n'


SHAPES: tuple[Callable[[random.Random, Made, str], None], ...] = (
    plain, conditional, counted, keyed, through_locals, in_a_map, from_a_map, into_a_module, out_of_a_module, websocket, trusted,
)  # fmt: skip


def without_month(addresses: set[str]) -> Iterator[str]:
    """Yield successors' addresses as their predecessors' addresses."""
    yield from (re.sub(r"_\d{6}(?=\[|$)", "", address) for address in addresses)
