"""What a scan found in one account and region."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from checker.model.inventory import Unread
from checker.model.observation import Calls, CertificateKey, Observation, ObservedStage
from checker.model.places import Access, Place


class Sweep(Struct, frozen=True, kw_only=True):
    """The stages and certificates of an account and region, as far as AWS listed them, and what it did not list (`unread`).

    `certificates` has an entry for each that is listed there, and for each that a stage names. `held` is how many client
    certificates there are, None where they were not listed. A place without a region stands for what failed before any
    region was asked.
    """

    place: Place
    access: Access = Access()
    stages: tuple[ObservedStage, ...] = ()
    certificates: Mapping[CertificateKey, Observation] = MappingProxyType({})
    held: int | None = None
    unread: tuple[Unread, ...] = ()


class ScanResult(Struct, frozen=True, kw_only=True):
    """All sweeps of a scan; `interrupted` where a person ended it before its end."""

    sweeps: tuple[Sweep, ...]
    traffic: tuple[Calls, ...] = ()
    notices: tuple[str, ...] = ()
    interrupted: bool = False
