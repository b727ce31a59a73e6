"""The AWS session of one run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.cli import output, signals
from checker.errors import UsageError
from checker.model.observation import CertificateKey, Observations
from checker.model.places import Place
from checker.model.policy import AccountAccess, ReadTrust
from checker.model.resources import Stage
from checker.pipeline import Observe

if TYPE_CHECKING:
    from checker.aws.boto_gateway import BotoGateways
    from checker.model.trust import HeldBundle, TrustMaterial


class Aws:
    """The AWS session of one run, with shared credentials, clients and call counts.

    boto3 is not imported before the first call.
    """

    def __init__(
        self,
        *,
        profile: str | None,
        role_arn: str | None,
        region: str | None,
        timeout: float,
        accounts: tuple[AccountAccess, ...] = (),
    ) -> None:
        self._how: dict[str, Any] = {
            "profile": profile,
            "role_arn": role_arn,
            "region": region,
            "timeout": timeout,
            "accounts": accounts,
        }
        self._gateways: BotoGateways | None = None

    @property
    def named(self) -> tuple[str | None, str | None, str | None]:
        """Return the profile, the role and the region that the run names: no secrets."""
        return self._how["profile"], self._how["role_arn"], self._how["region"]

    def observer(self, *, offline: bool, in_part: bool = False) -> Observe | None:
        """Return the function that observes AWS; None offline.

        After an interruption it returns the partial result if `in_part` is set; else it raises
        KeyboardInterrupt.
        """
        if offline:
            return None

        def observe(
            wanted: Collection[CertificateKey],
            surveys: Collection[Place],
            stages: Collection[Stage],
            drift: Collection[Stage] = (),
        ) -> Observations:
            from checker.aws.observe import observe as ask

            gateways = self.gateways()
            seen = ask(
                wanted,
                surveys,
                stages,
                connection=gateways.clients.connection,
                gateways=gateways,
                drift=drift,
            )
            if seen.interrupted:
                signals.report_interruption()
                if not in_part:
                    raise KeyboardInterrupt
            return seen

        return observe

    def fetch(self, source: str) -> bytes:
        """Read a source `s3://bucket/key`, offline too: --offline is about the certificates."""
        from checker.aws.s3 import fetch_object

        return fetch_object(source, self.gateways().clients)

    def trust(self, *, wanted: bool, offline: bool) -> ReadTrust | None:
        """Return the function that asks what consumers of PEMs have now; None without --trust.

        Raises UsageError with --offline.
        """
        if not wanted:
            return None
        if offline:
            raise UsageError(
                "--trust asks AWS, and --offline asks nothing",
                where="--trust",
                remedy="leave one of them out",
            )

        def read(found: Sequence[tuple[str, TrustMaterial]]) -> tuple[HeldBundle, ...]:
            from checker.aws.trust import read_held

            return read_held(found, self.gateways())

        return read

    def bundles(self, *, offline: bool) -> Callable[[str], bytes]:
        """Return the function that reads a trust bundle of an s3:// or https:// address.

        Offline, it raises UsageError for https://.
        """

        def fetch(address: str) -> bytes:
            from checker.model.trust import LARGEST_BUNDLE

            if not address.startswith("https://"):
                from checker.aws.s3 import fetch_object

                return fetch_object(address, self.gateways().clients, most=LARGEST_BUNDLE)
            from checker.aws.https import fetch_https, shown

            if offline:
                raise UsageError(
                    "is not fetched with --offline",
                    where=shown(address),
                    remedy="pass a file with --trust-file, or leave --offline out",
                )
            return fetch_https(address, most=LARGEST_BUNDLE)

        return fetch

    @contextmanager
    def counted(self, *, shown: bool) -> Iterator[None]:
        """Print the calls to AWS at the end if `shown` is set, also after an error."""
        try:
            yield
        finally:
            if shown:
                output.print_calls(self._gateways.traffic() if self._gateways is not None else ())

    def gateways(self) -> BotoGateways:
        """Return the shared gateway factory, creating it on first use."""
        if self._gateways is None:
            from checker.aws.boto_gateway import BotoGateways
            from checker.aws.connection import Connection

            self._gateways = BotoGateways(Connection(**self._how))
        return self._gateways


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the user's cache folder for tfcert; None without a home, as in some containers.

    Source: XDG Base Directory Specification, `XDG_CACHE_HOME`; a relative path in it is ignored.
    """
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named / "tfcert"
    try:
        return Path.home() / ".cache" / "tfcert"
    except RuntimeError:
        return None
