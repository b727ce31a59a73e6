"""Rotate a certificate that Terraform does not manage.

Its literal id becomes a reference to a successor that Terraform manages.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from checker.errors import UnprovenError
from checker.hcl.comments import pem_comment, succeeds_comment
from checker.hcl.configuration import Configuration
from checker.hcl.literals import LiteralUse, literal_uses, placement
from checker.hcl.origins import Producer
from checker.hcl.proof import block_counts, by_hcl2, by_tree_sitter, prove_replaced
from checker.hcl.references import Reference, ReferenceUse, references
from checker.hcl.splice import Edit, splice
from checker.hcl.syntax import SourceFile, Span
from checker.model.address import Address
from checker.model.rotation import Phase


class LiteralStep(Struct, frozen=True, kw_only=True):
    """The id of a certificate that Terraform does not manage, and the block of its successor."""

    identity: str
    successor: Address

    @property
    def reference(self) -> str:
        """Return the reference that replaces the literal."""
        attribute = "id" if self.successor.type.startswith("aws_") else "client_certificate_id"
        return f"{self.successor.in_module}.{attribute}"


def write_literal(configuration: Configuration, step: LiteralStep, phase: Phase) -> Configuration:
    """Write one phase on a text; return the same text if the phase is already in it.

    Raises UnprovenError for retire, which Terraform cannot do here, and for any edit that cannot be
    proven.
    """
    return _WRITERS[phase](configuration, step)


def _introduce(configuration: Configuration, step: LiteralStep) -> Configuration:
    module, kind, name = step.successor.module_path, step.successor.type, step.successor.name
    if next(configuration.blocks(module, "resource", kind, name), None) is not None:
        return configuration
    path = posixpath.join(configuration.modules[module].directory, f"tfcert_{name}.tf")
    output = f"{name}_pem"
    taken = Path(configuration.root, path).exists() or path in configuration.files
    if taken or next(configuration.blocks(module, "output", output), None) is not None:
        what = path if taken else f"an output {output}"
        raise UnprovenError(
            f"{what} is there already",
            where=configuration.root,
            remedy="choose another name with --name",
        )
    text = _text(configuration, step, output if not module and kind.startswith("aws_") else None)
    file = SourceFile(path, text.encode())
    if block_counts(by_tree_sitter(file)) != block_counts(by_hcl2(file)):
        raise UnprovenError(
            "the edit could not be proven",
            where=path,
            remedy="write the block by hand from the runbook",
        )
    return configuration.with_text({path: file.data})


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
    found = literal_uses(configuration).get(step.identity, ())
    if not found:
        raise UnprovenError(
            f"no stage takes the id {step.identity} from the text",
            where=configuration.root,
            remedy="ask again",
        )
    return found


def _repoint(configuration: Configuration, step: LiteralStep) -> Configuration:
    uses = literal_uses(configuration).get(step.identity, ())
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
    return _proven(configuration, tuple(edits.values()), plain, step.reference, 1)


def _rollback(configuration: Configuration, step: LiteralStep) -> Configuration:
    module, kind, name = step.successor.module_path, step.successor.type, step.successor.name
    chosen = [
        each
        for each in references(configuration, module, kind, name)
        if each.use is ReferenceUse.POINTER
    ]
    edits = tuple(_back(reference, step) for reference in chosen)
    return _proven(configuration, edits, frozenset({f'"{step.identity}"'}), step.reference, -1)


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
            f"{written} is more than the id, and only the id can become a literal again",
            where=f"{file.path}:{reference.line}",
            remedy=f'write "{step.identity}" there by hand',
        )
    return Edit(path=file.path, span=span, text=f'"{step.identity}"'.encode())


def _retire(_configuration: Configuration, step: LiteralStep) -> Configuration:
    raise UnprovenError(
        f"certificate {step.identity} is not Terraform's, so no patch can delete it",
        remedy="once no stage presents it: `aws apigateway"
        f" delete-client-certificate --client-certificate-id {step.identity}`",
    )


def _proven(
    configuration: Configuration,
    edits: tuple[Edit, ...],
    plain: frozenset[str],
    reference: str,
    sign: int,
) -> Configuration:
    before = {path: file.data for path, file in configuration.files.items()}
    changed = splice(before, edits)
    for path, text in changed.items():
        times = sign * sum(edit.path == path for edit in edits)
        prove_replaced(path, before[path], text, plain=plain, reference=reference, times=times)
    return configuration.with_text(changed) if changed else configuration


_WRITERS: dict[Phase, Callable[[Configuration, LiteralStep], Configuration]] = {
    Phase.INTRODUCE: _introduce,
    Phase.REPOINT: _repoint,
    Phase.RETIRE: _retire,
    Phase.ROLLBACK: _rollback,
}
