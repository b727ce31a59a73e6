"""What a state remembers: its records, read as stages and certificates."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from checker.domain.certificate import Certificate
from checker.domain.stage import Presents, PresentsPlanned, Stage
from checker.domain.value import value
from checker.readers.apis import ApiKey, api_names, named_by
from checker.readers.certificates import read_acm_certificate, read_certificate
from checker.readers.homes import at_home
from checker.readers.ours import ACM_CERTIFICATE, CERTIFICATES, STAGES
from checker.readers.printable import printable
from checker.readers.records import Record
from checker.readers.stages import PRESENTED, read_stage


@value
class Recorded:
    """The stages and certificates of a state, with the sentences that a report on them must carry, and its APIs' names."""

    stages: tuple[Stage, ...]
    certificates: tuple[Certificate, ...]
    notices: tuple[str, ...]
    api_names: Mapping[ApiKey, str] = MappingProxyType({})

    @property
    def disclosed(self) -> frozenset[str]:
        """The ids that certificates show openly: a stage's id that is marked sensitive is no secret if it is among them."""
        return frozenset(certificate.id for certificate in self.certificates if certificate.id)


def read_records(records: Sequence[Record], tags: Collection[str] = ()) -> Recorded:
    """Read the records of one state; an ACM certificate counts only where a stage names its ARN.

    Of tags only those asked for (`tags`) are kept.
    """
    mine = [record for record in records if record.type in CERTIFICATES]
    gateway = [read_certificate(record, tags) for record in mine]
    acm = [read_acm_certificate(record, tags) for record in records if record.type == ACM_CERTIFICATE]
    disclosed = {certificate.id for certificate in (*gateway, *acm) if certificate.id}
    holders = [record for record in records if record.type in STAGES]
    names = api_names(records)
    stages = tuple(named_by(names, read_stage(record, disclosed, tags)) for record in holders)
    named = {stage.presents.id for stage in stages if isinstance(stage.presents, Presents)}
    homed = at_home(tuple(zip(mine, gateway, strict=True)), tuple(zip(holders, stages, strict=True)))
    return Recorded(
        stages=stages,
        certificates=(*homed, *(certificate for certificate in acm if certificate.id in named)),
        api_names=names,
        notices=(
            *(
                hidden_notice(stage)
                for record, stage in zip(holders, stages, strict=True)
                if record.hides(PRESENTED) and isinstance(stage.presents, PresentsPlanned)
            ),
            *(_deposed_notice(record) for record in holders if record.deposed is not None),
        ),
    )


def _deposed_notice(record: Record) -> str:
    return (
        f"{record.address} has a deposed object ({printable(record.deposed, record.spot)}), an old stage that is in AWS, and "
        "presents its certificate, until an apply destroys it."
    )


def hidden_notice(stage: Stage) -> str:
    """The sentence about a stage whose certificate id is marked sensitive, so that it is neither kept nor checked."""
    return (
        f"{stage.address} presents a certificate whose id is marked sensitive: tfcert keeps no sensitive value, so it was "
        "not checked; wrap the id in nonsensitive(), as it is no secret."
    )
