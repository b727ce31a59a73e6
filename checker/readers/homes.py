"""Whose account the certificates of a state are in: their ARNs name none, and the stages beside them do."""

from __future__ import annotations

from collections.abc import Sequence

from checker.domain.certificate import Certificate
from checker.domain.place import Place
from checker.domain.stage import Presents, Stage
from checker.domain.value import replace
from checker.readers.records import Record

_Accounts = dict[str | None, set[str | None]]


def at_home(certificates: Sequence[tuple[Record, Certificate]], stages: Sequence[tuple[Record, Stage]]) -> tuple[Certificate, ...]:
    """The certificates, each in the account of its provider configuration, as far as that is known.

    It is that of the stages of the same configuration. One that has none, as an alias for certificates alone, is of the account of
    the stages that present what it made, for API Gateway lets them present nothing else. Where they do not agree nothing is
    known, as in `show -json` of a state of several accounts, which tells configurations not apart.
    """
    by_stages: _Accounts = {}
    presented: dict[str, set[str | None]] = {}
    for record, stage in stages:
        if record.provider is not None:
            by_stages.setdefault(record.provider, set()).add(stage.place.account)
        if isinstance(stage.presents, Presents):
            presented.setdefault(stage.presents.id, set()).add(stage.place.account)
    by_presenters: _Accounts = {}
    for record, certificate in certificates:
        if record.provider is not None and certificate.id in presented:
            by_presenters.setdefault(record.provider, set()).update(presented[certificate.id])
    accounts = {**by_presenters, **by_stages}
    return tuple(_in_account(certificate, accounts.get(record.provider, set())) for record, certificate in certificates)


def _in_account(certificate: Certificate, accounts: set[str | None]) -> Certificate:
    if len(accounts) != 1 or certificate.place.account is not None:
        return certificate
    return replace(certificate, place=certificate.place.or_else(Place(account=next(iter(accounts)))))
