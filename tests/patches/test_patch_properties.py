"""I3 on generated modules: every byte outside the named edits stays, and both parsers agree."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from world import CERTIFICATE, STAGE, World, bounded

from checker.hcl.readings import block_counts, by_hcl2, by_tree_sitter
from checker.hcl.syntax import SourceFile
from checker.model.rotation import Next, Phase

C = f"{CERTIFICATE}.orders"
COMMENTS = st.sampled_from(
    ["", "", f"# {C}.id\n", "// ümlaut }\n", "/* two\n   lines */\n", '# "quoted" {\n']
)
TAILS = st.sampled_from(["", "", " # tail", f" // {C}.id", " /* inside */"])
POINTERS = st.sampled_from(
    [
        f"{C}.id",
        f'"${{{C}.id}}"',
        f"var.on ? {C}.id : null",
        f"(\n    # why\n    {C}.id\n  )",
        f"try({C}.id, null)",
        f'element(concat([{C}.id], [""]), 0)',
        "local.certificate",
    ]
)
OTHERS = st.sampled_from(
    [
        f'output "pem" {{\n  value = {C}.pem_encoded_certificate\n}}\n',
        f'output "text" {{\n  value = <<-EOT\n    resource "{CERTIFICATE}" "orders" {{\n    }}\n    ${{{C}.arn}}\n  EOT\n}}\n',
        f'resource "terraform_data" "t" {{\n  depends_on = [{C}]\n}}\n',
        'variable "on" {\n  type    = bool\n  default = true\n}\n',
        f'resource "{CERTIFICATE}" "orders_eu" {{\n}}\n',
        f'locals {{\n  other = "{C}.id"\n\n\n  eu = {CERTIFICATE}.orders_eu.id\n}}\n'.replace(
            f'"{C}.id"', f'"see {C}.id"'
        ),
        f"moved {{\n  from = {CERTIFICATE}.first\n  to   = {C}\n}}\n",
        "\n\n",
        "\t\n",
    ]
)


@st.composite
def modules(draw):
    certificate = (
        draw(COMMENTS)
        + f'resource "{CERTIFICATE}" "orders" {{{draw(TAILS)}\n'
        + draw(
            st.sampled_from(
                [
                    "",
                    '  description = "orders"\n',
                    '\tdescription="tabs"\n',
                    '  tags = {\n    A = "}" # b\n  }\n',
                ]
            )
        )
        + f"}}{draw(TAILS)}\n"
    )
    pointer = draw(POINTERS)
    stage = f'resource "{STAGE}" "prod" {{\n  client_certificate_id = {pointer}{draw(TAILS)}\n}}\n'
    pieces = [certificate, draw(COMMENTS) + stage, *draw(st.lists(OTHERS, max_size=4, unique=True))]
    if pointer == "local.certificate":
        pieces.append(f"locals {{\n  certificate = {C}.id\n}}\n")
    pieces = draw(st.permutations(pieces))
    gap = draw(st.sampled_from(["", "\n", "\n\n"]))
    text = gap.join(pieces)
    if draw(st.booleans()):
        text = text.rstrip()
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    mark = b"\xef\xbb\xbf" if draw(st.booleans()) else b""
    return mark + text.encode()


def inserted(before: bytes, after: bytes) -> bytes:
    """Return the text inserted at one place; fail if more changed."""
    head = 0
    while head < len(before) and before[head] == after[head]:
        head += 1
    tail = len(before) - head
    assert after.endswith(before[len(before) - tail :])
    return after[head : len(after) - tail]


@settings(bounded, max_examples=20)
@given(modules())
def test_i3_each_phase_changes_what_it_names_and_nothing_else(text):
    """I3: introduce inserts at one place, repoint replaces names, and retire removes whole lines
    and replaces names.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.tf").write_bytes(text)
        world = World(
            folder=Path(folder), certificates={C: "old000"}, stages={f"{STAGE}.prod": "old000"}
        )
        _, patches = world.ask(every=True)
    (rotation,) = patches.rotations
    assert rotation.step == Next(Phase.INTRODUCE)
    texts = [text, *(entry.changes[0].after for entry in patches.patches)]
    assert all(len(entry.changes) == 1 for entry in patches.patches)

    added = inserted(texts[0], texts[1])
    assert added.count(b'"orders_202611"') == 1
    assert re.sub(rb"\r?\n", b"", added).count(b"\n") == 0
    assert (b"\r\n" in added) == (b"\r\n" in text)

    pieces = re.split(
        rb"(?<=aws_api_gateway_client_certificate\.)(orders_202611|orders)(?![\w-])", texts[1]
    )
    again = re.split(
        rb"(?<=aws_api_gateway_client_certificate\.)(orders_202611|orders)(?![\w-])", texts[2]
    )
    assert pieces[::2] == again[::2]
    moved = [
        at
        for at, (old, new) in enumerate(zip(pieces[1::2], again[1::2], strict=True))
        if old != new
    ]
    assert moved
    assert all((pieces[1::2][at], again[1::2][at]) == (b"orders", b"orders_202611") for at in moved)

    def plain(data: bytes) -> list[bytes]:
        return (
            data.removeprefix(b"\xef\xbb\xbf")
            .replace(C.encode() + b"_202611", C.encode())
            .splitlines()
        )

    kept = iter(plain(texts[2]))
    assert all(any(line == other for other in kept) for line in plain(texts[3])), (
        "retire wrote a line that was not there"
    )

    for data in texts:
        file = SourceFile("main.tf", data)
        assert block_counts(by_tree_sitter(file)) == block_counts(by_hcl2(file))
        assert data.startswith(b"\xef\xbb\xbf") == text.startswith(b"\xef\xbb\xbf")
    assert b'"orders" {' not in b"".join(
        line for line in texts[3].splitlines() if line.startswith(b"resource")
    )
