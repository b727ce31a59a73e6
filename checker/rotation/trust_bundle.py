"""The certificates that backends must trust now; pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.model.address import Address
from checker.model.cases import Case, Cases, Evidence
from checker.model.observation import Found
from checker.model.rotation import ConditionStatus, Phase, Rotation


class TrustedCertificate(Struct, frozen=True, kw_only=True):
    """A certificate that a backend must trust, why, and its PEM.

    The PEM has the form of `normal_pem`; it is None if it is unknown. `observed` is true if AWS
    returned the PEM, false if it comes from state.
    """

    case: Case
    why: str
    pem: str | None
    observed: bool

    @property
    def label(self) -> str:
        """The certificate's address, else its id."""
        return str(self.case.address) if self.case.address is not None else str(self.case.id)


def trusted_certificates(
    cases: Cases, rotations: tuple[Rotation, ...]
) -> tuple[TrustedCertificate, ...]:
    """Return every certificate that backends must trust now, without duplicates.

    Certificates that stages present come first. The order matters: all certificates of API Gateway
    have the same subject, and with OpenSSL's defaults a backend accepts only the first of them
    (docs/trust.md).

    The list has the certificates that stages present now or after a plan, and successors that
    already exist. It also has predecessors until AWS confirms that no stage presents them (I2).
    Without the configuration the lineage is unknown. Then a certificate that no stage presents
    counts as a successor until it ends.
    """
    found: dict[object, TrustedCertificate] = {}
    for case, why in sorted(_needed(cases, rotations), key=lambda pair: not pair[0].subject.now):
        pem, observed = _pem(case)
        # Ids may collide across accounts and regions; a PEM is the certificate itself.
        found.setdefault(
            pem or case.subject.key,
            TrustedCertificate(case=case, why=why, pem=pem, observed=observed),
        )
    return tuple(found.values())


def _needed(cases: Cases, rotations: tuple[Rotation, ...]) -> Iterator[tuple[Case, str]]:
    leaving = {rotation.predecessor for rotation in rotations if not _is_gone_from_stages(rotation)}
    for document in cases.documents:
        declared = document.document.declared
        for case in document.cases:
            block = case.address.block if case.address is not None else None
            presenters = case.subject.stages
            if case.id is None:
                continue
            if case.subject.now:
                names = sorted({str(stage.address or stage.name) for stage in presenters})
                yield case, f"presented by {', '.join(names)}"
            elif presenters:
                yield case, "a plan lets stages present it"
            elif declared is None:
                if not case.within(-1):
                    yield (
                        case,
                        "no stage presents it; without the configuration it may be a successor",
                    )
            elif block is not None and _succeeds(cases, block):
                yield case, "the successor in a rotation that is under way"
            elif block is not None and block in leaving:
                yield case, "rotated out, and not confirmed yet that no stage presents it any more"


def _succeeds(cases: Cases, block: Address) -> bool:
    declarations = (document.document.declared for document in cases.documents)
    certificates = (
        declared.certificate(block) for declared in declarations if declared is not None
    )
    return any(
        certificate is not None and certificate.succeeds is not None for certificate in certificates
    )


def _is_gone_from_stages(rotation: Rotation) -> bool:
    """Return whether AWS confirms that no stage presents the predecessor (I2)."""
    return all(
        condition.holds is ConditionStatus.YES
        for condition in rotation.conditions
        if condition.phase is Phase.RETIRE
    )


def _pem(case: Case) -> tuple[str | None, bool]:
    if case.certificate.kind == "acm":
        return None, False
    if (
        case.evidence is Evidence.OBSERVED
        and isinstance(case.observation, Found)
        and case.observation.pem is not None
    ):
        return case.observation.pem, True
    return case.certificate.pem, False
