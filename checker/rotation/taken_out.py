"""Certificates in use that have a block but are not in state: they must be imported.

`terraform state rm` before repoint is the usual cause. The next apply would create another
certificate at the block's address, and move the stages to it in the same apply. An import takes the
certificate back under its address, and the rotation goes on.

Source: Terraform, "Import" (`terraform import ADDRESS ID`, and the `import` block since 1.5). In
the provider's documentation of aws_api_gateway_client_certificate the import id is the
certificate's id; with a `region` of the resource (provider 6) it is `ID@REGION`.
"""

from __future__ import annotations

from msgspec.structs import replace

from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.resources import Stage
from checker.model.rotation import Blocked, Rotation, Waiting
from checker.rotation.state import stage_addresses, unwritten_rotation


def block_of(declared: ConfigurationFacts, document: DocumentCases, case: Case) -> Address | None:
    """Return the block of a certificate id in use, if state has no object of that block.

    None where it is not certain.
    """
    if (
        case.address is not None
        or case.id is None
        or case.certificate.kind != "gateway"
        or not case.subject.presented_by
    ):
        return None
    found: set[Address | None] = set()
    for stage in case.subject.presented_by:
        holders = [
            each
            for each in declared.certificates
            if stage.address is not None and stage.address.block in each.stages
        ]
        if any(each.succeeds_id == case.id for each in declared.certificates):
            return None
        found.add(_missing(declared, document, holders[0], stage) if len(holders) == 1 else None)
    return next(iter(found)) if len(found) == 1 else None


def _missing(
    declared: ConfigurationFacts, document: DocumentCases, holder: DeclaredCertificate, stage: Stage
) -> Address | None:
    """Return the block that is missing from state for a stage; None if there is no such block.

    It is the holder's block. Once the configuration is repointed, it is the block that the holder
    succeeds.
    """
    for block in (holder.block, holder.succeeds):
        if (
            block is not None
            and declared.certificate(block) is not None
            and not _is_recorded(declared, document, block, stage)
        ):
            return block
    return None


def _is_recorded(
    declared: ConfigurationFacts, document: DocumentCases, block: Address, stage: Stage
) -> bool:
    """Return whether the state has the instance for a stage.

    A repeated block has one instance per key. The stage's key counts only if another stage shows
    that stages and certificates use the same keys.
    """
    cases = document.of_block(block)
    own, at = declared.certificate(block), stage.address
    if not cases or own is None or not own.repeated or at is None or at.key is None:
        return bool(cases)
    keys = {case.address.key for case in cases if case.address is not None}
    pairs = ((other.address, case.address) for case in cases for other in case.subject.presented_by)
    same_keys = any(
        address is not None
        and other is not None
        and (address.block, address.key) == (at.block, other.key)
        for address, other in pairs
    )
    return at.key in keys or not same_keys


def taken_out(
    cases: Cases, declared: ConfigurationFacts, block: Address, missing: tuple[Case, ...]
) -> Rotation:
    """Return the rotation of certificates that must be imported before anything else."""
    first = missing[0]
    successors = [each for each in declared.successors(block) if each.block != block]
    names = ", ".join(
        name for case in missing for name in stage_addresses(case.subject.presented_by)
    )
    ids = ", ".join(case.id for case in missing if case.id is not None)
    declaration = declared.certificate(block)
    where = f" ({declaration.location})" if declaration is not None else ""
    problem = (
        f"certificate {ids}, presented by {names}, is not in this state, and its block "
        f"{block}{where} is in the configuration"
    )
    import_line = declared.imported.get(block)
    step: Blocked | Waiting
    if import_line is not None:
        step = Waiting(
            f"{problem}: an import block ({import_line}) takes it into the state; apply that "
            "alone, then run tfcert again"
        )
    else:
        commands = "; ".join(_command(declared, block, case) for case in missing)
        step = Blocked(
            f"{problem}: it was taken out of the state (`terraform state rm`) or never imported, "
            "and the next apply would create another certificate and move the stages to it at once",
            f"import it before anything is applied: {commands}; then run tfcert again"
            + ("" if successors else _or_alone(block)),
        )
    return replace(
        unwritten_rotation(cases, first, step),
        predecessor=block,
        predecessor_ids=tuple(sorted({case.id for case in missing if case.id is not None})),
        successor=successors[0].block if len(successors) == 1 else None,
        introduced=len(successors) == 1,
        stages=tuple(
            sorted(
                {name for case in missing for name in stage_addresses(case.subject.presented_by)}
            )
        ),
    )


def _or_alone(block: Address) -> str:
    """Return the alternative remedy where no comment names a successor."""
    return (
        f". If the block is meant to be its successor instead: `terraform apply -target='{block}'` "
        "creates it alone; have every backend trust it, then apply the rest"
    )


def _command(declared: ConfigurationFacts, block: Address, case: Case) -> str:
    """Return the import command, and the `import` block that does the same in a plan."""
    declaration = declared.certificate(block)
    stage = next(
        (each.address for each in case.subject.presented_by if each.address is not None), None
    )
    steps = stage.modules[: len(block.modules)] if stage is not None else ()
    same = tuple(step.name for step in steps) == block.module_path
    instance = replace(block, modules=steps) if same else block
    identity = case.id
    if declaration is not None and declaration.has_region:
        identity = f"{case.id}@{case.certificate.place.region or 'REGION'}"
    if declaration is None or not declaration.repeated:
        return (
            f"`terraform import '{instance}' {identity}` (or, with Terraform 1.5 and later, an "
            f'`import` block with `to = {instance}` and `id = "{identity}"`)'
        )
    if stage is not None and stage.key is not None:
        keyed = replace(instance, key=stage.key)
        return (
            f"`terraform import '{keyed}' {identity}`, if that is the instance that {stage} "
            "presents"
        )
    return (
        f"`terraform import '{instance}[KEY]' {identity}`, with the key of the instance that is "
        "missing"
    )
