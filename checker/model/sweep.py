"""The results of a scan, by account and region."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from checker.model.inventory import Unread
from checker.model.observation import Calls, CertificateKey, Observation, ObservedStage
from checker.model.places import Access, Place


class Sweep(Struct, frozen=True, kw_only=True):
    """The stages and certificates of an account and region, as far as AWS listed them.

    `unread` is what AWS did not list. `certificates` has an entry for each certificate that is
    listed there or that a stage names. `held` is the number of client certificates; None if they
    were not listed. A place without a region means that the scan failed before it asked any region.
    """

    place: Place
    access: Access = Access()
    stages: tuple[ObservedStage, ...] = ()
    certificates: Mapping[CertificateKey, Observation] = MappingProxyType({})
    held: int | None = None
    unread: tuple[Unread, ...] = ()


class ScanResult(Struct, frozen=True, kw_only=True):
    """All sweeps of a scan; `interrupted` if the user stopped it early."""

    sweeps: tuple[Sweep, ...]
    traffic: tuple[Calls, ...] = ()
    notices: tuple[str, ...] = ()
    interrupted: bool = False
