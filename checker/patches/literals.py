"""Rotate a certificate that Terraform does not manage.

Its literal id becomes a reference to a successor that Terraform manages.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from checker.errors import UnprovenError
from checker.hcl.comments import pem_comment, succeeds_comment
from checker.hcl.configuration import Configuration
from checker.hcl.literals import LiteralUse, literal_uses, placement
from checker.hcl.origins import Producer
from checker.hcl.proof import Intent, Replacement
from checker.hcl.readings import BlockKey
from checker.hcl.references import Reference, ReferenceUse, references
from checker.hcl.splice import Edit
from checker.hcl.syntax import Span
from checker.model.address import Address
from checker.model.rotation import Phase
from checker.patches.draft import Draft, Edits
from checker.patches.edits import key_of


class LiteralStep(Struct, frozen=True, kw_only=True):
    """The id of a certificate that Terraform does not manage, and the block of its successor."""

    identity: str
    successor: Address

    @property
    def reference(self) -> str:
        """Return the reference that replaces the literal."""
        attribute = "id" if self.successor.type.startswith("aws_") else "client_certificate_id"
        return f"{self.successor.in_module}.{attribute}"


def write_literal(draft: Draft, step: LiteralStep, phase: Phase) -> Edits:
    """Write one phase; there are no edits if the phase is already in the text.

    Raises UnprovenError for retire, which Terraform cannot do here.
    """
    return _WRITERS[phase](draft.configuration, step)


def _introduce(configuration: Configuration, step: LiteralStep) -> Edits:
    module, kind, name = step.successor.module_path, step.successor.type, step.successor.name
    if next(configuration.blocks(module, "resource", kind, name), None) is not None:
        return Edits()
    path = posixpath.join(configuration.modules[module].directory, f"tfcert_{name}.tf")
    output = f"{name}_pem"
    taken = Path(configuration.root, path).exists() or path in configuration.files
    if taken or next(configuration.blocks(module, "output", output), None) is not None:
        what = path if taken else f"an output {output}"
        raise UnprovenError(
            f"{what} exists already",
            where=configuration.root,
            remedy="choose another name with --name",
        )
    named = output if not module and kind.startswith("aws_") else None
    text = _text(configuration, step, named).encode()
    added: tuple[BlockKey, ...] = (("resource", (kind, name)),)
    if named is not None:
        added += (("output", (named,)),)
    intent = Intent(kind=kind, old=name, new=name, added=added)
    return Edits(edits=(Edit(path=path, span=Span(0, 0), text=text),), intents=((path, intent),))


def _text(configuration: Configuration, step: LiteralStep, output: str | None) -> str:
    name = step.successor.name
    placed = placement(_uses(configuration, step))
    arguments = (
        *placed,
        ("description", f'"{name}, successor of client certificate {step.identity}"'),
    )
    width = max(len(key) for key, _ in arguments)
    body = "".join(f"  {key:<{width}} = {text}\n" for key, text in arguments)
    block = (
        f"{succeeds_comment(step.identity)}\n"
        f'resource "{step.successor.type}" "{name}" {{\n{body}}}\n'
    )
    if output is None:
        return block
    address = step.successor.in_module
    return (
        f"{block}\n{pem_comment(address)}\n"
        f'output "{output}" {{\n'
        f"  value = {address}.pem_encoded_certificate\n}}\n"
    )


def _uses(configuration: Configuration, step: LiteralStep) -> tuple[LiteralUse, ...]:
    found = _known_uses(configuration, step)
    if not found:
        raise UnprovenError(
            f"no stage in the configuration has the id {step.identity} as text",
            where=configuration.root,
            remedy="ask again",
        )
    return found


def _known_uses(configuration: Configuration, step: LiteralStep) -> tuple[LiteralUse, ...]:
    if "literal uses" not in configuration.memo:
        configuration.memo["literal uses"] = literal_uses(configuration)
    known: Mapping[str, tuple[LiteralUse, ...]] = configuration.memo["literal uses"]
    return known.get(step.identity, ())


def _repoint(configuration: Configuration, step: LiteralStep) -> Edits:
    uses = _known_uses(configuration, step)
    new = step.reference.encode()
    edits = {
        (use.origin.file.path, use.origin.span): Edit(
            path=use.origin.file.path, span=use.origin.span, text=new
        )
        for use in uses
    }
    plain = frozenset(
        f"var.{use.origin.text}"
        if use.origin.producer is Producer.VARIABLE
        else f'"{step.identity}"'
        for use in uses
    )
    return _replaced(configuration, tuple(edits.values()), plain, step.reference, 1)


def _rollback(configuration: Configuration, step: LiteralStep) -> Edits:
    module, kind, name = step.successor.module_path, step.successor.type, step.successor.name
    chosen = [
        each
        for each in references(configuration, module, kind, name)
        if each.use is ReferenceUse.POINTER
    ]
    edits = tuple(_back(reference, step) for reference in chosen)
    plain = frozenset({f'"{step.identity}"'})
    return _replaced(configuration, edits, plain, step.reference, -1)


def _back(reference: Reference, step: LiteralStep) -> Edit:
    file, span = reference.site.file, reference.traversal.span
    written = span.of(file.data).decode("utf-8", "replace")
    around = reference.traversal.node.parent
    if written == step.reference and around is not None and around.type == "template_interpolation":
        inside = Span(around.start_byte, around.end_byte)
        if (
            file.data[inside.start - 1 : inside.start]
            == file.data[inside.end : inside.end + 1]
            == b'"'
        ):
            return Edit(path=file.path, span=inside, text=step.identity.encode())
    if written != step.reference or (
        around is not None and around.type == "template_interpolation"
    ):
        raise UnprovenError(
            f"{written} takes more than the id, and only a reference to the id can become a "
            "literal again",
            where=f"{file.path}:{reference.line}",
            remedy=f'write "{step.identity}" there manually',
        )
    return Edit(path=file.path, span=span, text=f'"{step.identity}"'.encode())


def _retire(_configuration: Configuration, step: LiteralStep) -> Edits:
    raise UnprovenError(
        f"certificate {step.identity} is not managed by Terraform, so no patch can delete it",
        remedy="once no stage presents it: `aws apigateway"
        f" delete-client-certificate --client-certificate-id {step.identity}`",
    )


def _replaced(
    configuration: Configuration,
    edits: tuple[Edit, ...],
    plain: frozenset[str],
    reference: str,
    sign: int,
) -> Edits:
    paths = sorted({edit.path for edit in edits})
    intents = []
    for path in paths:
        own = [edit for edit in edits if edit.path == path]
        blocks = configuration.files[path].body.blocks
        starts = [block.span.start for block in blocks]
        keys = {key_of(blocks[bisect_right(starts, edit.span.start) - 1]) for edit in own}
        intent = Replacement(
            plain=plain, reference=reference, times=sign * len(own), blocks=frozenset(keys)
        )
        intents.append((path, intent))
    return Edits(edits=edits, intents=tuple(intents))


_WRITERS: dict[Phase, Callable[[Configuration, LiteralStep], Edits]] = {
    Phase.INTRODUCE: _introduce,
    Phase.REPOINT: _repoint,
    Phase.RETIRE: _retire,
    Phase.ROLLBACK: _rollback,
}
