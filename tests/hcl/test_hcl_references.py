"""References to a certificate: the attribute they use, and the bytes of the name."""

from __future__ import annotations

import pytest
from world import CERTIFICATE

from checker.hcl.configuration import Configuration, Module
from checker.hcl.references import ReferenceUse, moved_by_repoint, references
from checker.hcl.syntax import SourceFile

C = f"{CERTIFICATE}.orders"


def found(text: str):
    file = SourceFile("main.tf", text.encode())
    module = Module(path=(), directory="", files=("main.tf",))
    configuration = Configuration(root=".", files={"main.tf": file}, modules={(): module})
    return list(references(configuration, (), CERTIFICATE, "orders"))


@pytest.mark.parametrize(
    ("expression", "use"),
    [
        (f"{C}.id", ReferenceUse.POINTER),
        (f"{C}.arn", ReferenceUse.POINTER),
        (f"{C}[0].id", ReferenceUse.POINTER),
        (f"{C}.0.id", ReferenceUse.POINTER),
        (f'{C}["a.b"].id', ReferenceUse.POINTER),
        (f"{C}[each.key].id", ReferenceUse.POINTER),
        (f"{C}[*].id", ReferenceUse.POINTER),
        (f"{C}.*.id", ReferenceUse.POINTER),
        (f"{C}[*].id[0]", ReferenceUse.POINTER),
        (f"values({C})[*].id", ReferenceUse.POINTER),
        (f"one({C}).id", ReferenceUse.POINTER),
        (f"try({C}[0].id, null)", ReferenceUse.POINTER),
        (f"[for c in {C} : c.id]", ReferenceUse.POINTER),
        (f"{{ for k, c in {C} : k => c.id if k != null }}", ReferenceUse.POINTER),
        (f'"${{{C}.id}}"', ReferenceUse.POINTER),
        (f'"${{~ {C}.id ~}}"', ReferenceUse.POINTER),
        (f'"%{{ if {C}.id == "x" }}a%{{ endif }}"', ReferenceUse.POINTER),
        (f"<<-EOT\n  ${{{C}.id}}\n  EOT", ReferenceUse.POINTER),
        (f"provider::x::f({C}.id)", ReferenceUse.POINTER),
        (f"{C}.pem_encoded_certificate", ReferenceUse.TRUST),
        (f"[for c in {C} : trimspace(c.pem_encoded_certificate)]", ReferenceUse.TRUST),
        (f"{C}.expiration_date", ReferenceUse.INFORMATION),
        (f"{C}.tags.id", ReferenceUse.INFORMATION),
        (f'{C}.tags["id"]', ReferenceUse.INFORMATION),
        (C, ReferenceUse.WHOLE),
        (f'{C}["id"]', ReferenceUse.WHOLE),
        (f"({C}).id", ReferenceUse.WHOLE),
        (f"(var.a ? {C} : null).id", ReferenceUse.WHOLE),
        (f"jsonencode({C})", ReferenceUse.WHOLE),
        (f"length({C})", ReferenceUse.INFORMATION),
        (f"keys({C})", ReferenceUse.INFORMATION),
        (f"can({C}[0])", ReferenceUse.INFORMATION),
        (f"{C}[0] != null", ReferenceUse.INFORMATION),
        (f"null == one({C})", ReferenceUse.INFORMATION),
        (f"try({C}[0], null) != null", ReferenceUse.INFORMATION),
        (f"{C}[0] != var.other", ReferenceUse.WHOLE),
        (f"one({C}).id != null", ReferenceUse.POINTER),
        (f"[for k, c in {C} : k]", ReferenceUse.WHOLE),
        (f"[for c in {C} : c]", ReferenceUse.WHOLE),
        (f"[for c in values({C}) : c.id]", ReferenceUse.WHOLE),
        (f"{{ for k, c in {C} : k => [c.id, c.pem_encoded_certificate] }}", ReferenceUse.WHOLE),
        (
            f"{{ for k, c in {C} : k => [c.expiration_date, c.pem_encoded_certificate] }}",
            ReferenceUse.TRUST,
        ),
    ],
)
def test_a_reference_is_known_by_what_it_takes(expression, use):
    """The id and the ARN are pointers, and the PEM is trust; anything unclear is the
    whole object.
    """
    (reference,) = found(f"locals {{\n  x = {expression}\n}}\n")
    assert reference.use is use
    assert reference.name.of(reference.site.file.data) == b"orders"
    assert reference.line == (3 if "EOT" in expression else 2)


@pytest.mark.parametrize(
    "text",
    [
        f"# {C}.id\n",
        f'locals {{\n  x = "{C}.id"\n}}\n',
        f'locals {{\n  x = "$${{{C}.id}}"\n}}\n',
        f"locals {{\n  x = {C}_two.id\n}}\n",
        f"locals {{\n  x = data.{C}.id\n}}\n",
        f"locals {{\n  x = module.{C}.id\n}}\n",
        f"locals {{\n  x = <<EOT\n{C}.id\nEOT\n}}\n",
        "locals {\n  x = { aws_api_gateway_client_certificate = { orders = { id = 1 } } }\n}\n",
        "locals {\n  x = awscc_apigateway_client_certificate.orders.id\n}\n",
    ],
)
def test_what_only_looks_like_a_reference_is_none(text):
    """Comments, strings, escaped templates, longer names and other roots are no references."""
    assert found(text) == []


@pytest.mark.parametrize(
    "block", ["depends_on = [X]", "lifecycle {\n    replace_triggered_by = [X.id]\n  }"]
)
def test_what_orders_or_triggers_is_neither_a_pointer_nor_the_whole(block):
    """`depends_on` and `replace_triggered_by` are references of their own kind, which move at
    retire.
    """
    text = f'resource "a" "b" {{\n  {block.replace("X", C)}\n}}\n'
    assert [reference.use for reference in found(text)] == [ReferenceUse.META]


def test_every_reference_of_an_expression_is_found_with_its_own_bytes():
    """Each reference of an expression is found with its own bytes, in the order of the text."""
    text = f'locals {{\n  x = var.a ? {C}.id : join(",", [{C}[{C}.tags.n].arn])\n}}\n'
    uses = [(reference.use, reference.name.start) for reference in found(text)]
    assert sorted(start for _, start in uses) == [
        at + len(CERTIFICATE) + 1 for at in range(len(text)) if text.startswith(C, at)
    ]
    assert sorted(use.value for use, _ in uses) == ["information", "pointer", "pointer"]


def test_a_guard_moves_with_the_pointer_or_the_pem_that_it_guards():
    """A guard such as `length` moves with the nearest pointer or PEM; a date moves with the output
    of the id.
    """
    guarded = f"length({C}) > 0 ? {C}[0].%s : null"
    text = f"""locals {{
  both = {{ a = {guarded % "id"}, b = {guarded % "pem_encoded_certificate"} }}
}}
output "id" {{
  value = {C}[0].id
}}
output "ends" {{
  value = {C}[0].expiration_date
}}
resource "a" "b" {{
  count = length({C})
  pem   = {C}[0].pem_encoded_certificate
}}
"""
    moved = [(reference.line, reference.use.value) for reference in moved_by_repoint(found(text))]
    assert sorted(moved) == [(2, "information"), (2, "pointer"), (5, "pointer"), (8, "information")]
