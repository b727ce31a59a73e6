"""One run's AWS session."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checker.cli import output, signals
from checker.model.observation import CertificateKey, Observations
from checker.model.places import Place
from checker.model.policy import AccountAccess
from checker.model.resources import Stage
from checker.pipeline import Observe

if TYPE_CHECKING:
    from checker.aws.boto_gateway import BotoGateways


class Aws:
    """One run's way to AWS: whatever asks shares its credentials, its clients and the count of its calls.

    boto3 is not imported before the first question.
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

    def observer(
        self, *, offline: bool, drift: bool = False, in_part: bool = False
    ) -> Observe | None:
        """What asks AWS, with `drift` also what recorded stages present now; None offline.

        Where it is interrupted it answers with what it knows, if an answer `in_part` is of use; else it raises KeyboardInterrupt.
        """
        if offline:
            return None

        def observe(
            wanted: Collection[CertificateKey],
            surveys: Collection[Place],
            stages: Collection[Stage],
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
                signals.tell()
                if not in_part:
                    raise KeyboardInterrupt
            return seen

        return observe

    def fetch(self, source: str) -> bytes:
        """An `s3://bucket/key` that is named as a source, offline too: --offline is about the certificates."""
        from checker.aws.s3 import fetch_object

        return fetch_object(source, self.gateways().clients)

    @contextmanager
    def counted(self, *, told: bool) -> Iterator[None]:
        """Tell at the end, however that comes, what was asked, if that is wanted."""
        try:
            yield
        finally:
            if told:
                output.print_calls(self._gateways.traffic() if self._gateways is not None else ())

    def gateways(self) -> BotoGateways:
        """What all that is asked goes through."""
        if self._gateways is None:
            from checker.aws.boto_gateway import BotoGateways
            from checker.aws.connection import Connection

            self._gateways = BotoGateways(Connection(**self._how))
        return self._gateways


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """The user's own folder for caches; None for a user who has no home, as in some containers.

    Source: XDG Base Directory Specification, `XDG_CACHE_HOME`; a relative path in it is to be ignored.
    """
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named / "tfcert"
    try:
        return Path.home() / ".cache" / "tfcert"
    except RuntimeError:
        return None
