"""The embedded AWS that the demo and the tests run against."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from checker.demo.emulator.calls import RecordedCall
from checker.demo.emulator.credentials import client, environment
from checker.demo.emulator.faults import Faults
from checker.demo.emulator.seeds import ACCOUNT, REGION, Seed
from checker.demo.emulator.state import Clock, DeleteAnswer, World
from checker.errors import UsageError

if TYPE_CHECKING:
    from checker.demo.emulator.server import Server

# Moto keeps its accounts in its modules, so two emulators of one process would share them.
_only_one = Lock()


class Emulator:
    """An AWS of API Gateway, STS and whatever else moto has, on a free port of 127.0.0.1, empty at its start.

    `with Emulator() as aws:` starts and stops it; one at a time in a process, as often as wanted.
    Raises UsageError where the extra `tfcert[demo]` is not installed, or where another one runs in the process.
    """

    def __init__(self) -> None:
        self._world = World()
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve; the emulated accounts are empty, and everything is set as at first."""
        try:
            from checker.demo.emulator.server import Server
        except ModuleNotFoundError as missing:
            raise UsageError(
                f"the emulator needs {missing.name}, which is not installed",
                remedy="install tfcert[demo]",
            ) from missing
        if not _only_one.acquire(blocking=False):
            raise UsageError(
                "another emulator runs in this process",
                remedy="stop it first: both would share their accounts",
            )
        try:
            self._server = Server(self._world)
        finally:
            if self._server is None:
                _only_one.release()

    def stop(self) -> None:
        """Stop serving, and hang up on whoever is still connected; harmless where it does not run."""
        if self._server is not None:
            self._server.stop()
            self._server = None
            _only_one.release()

    @property
    def endpoint(self) -> str:
        """The address that AWS_ENDPOINT_URL is set to."""
        if self._server is None:
            raise UsageError(
                "the emulator does not run", remedy="start it, or use it as a context manager"
            )
        return f"http://127.0.0.1:{self._server.port}"

    def environment(
        self, base: Mapping[str, str] | None = None, *, region: str = REGION
    ) -> dict[str, str]:
        """The environment of a child process that is to take the emulator for AWS.

        From `base` everything goes that could lead it elsewhere: `AWS_*`, proxies, `TF_CLI_ARGS*`.
        """
        return environment(self.endpoint, base or {}, region=region)

    def client(
        self, service: str, *, region: str = REGION, account: str = ACCOUNT, **config: Any
    ) -> Any:
        """A boto3 client for a service of the emulator; for another account than the first by assuming a role there.

        It does not repeat what fails; `config` is for botocore's Config and overrides that.
        """
        return client(self.endpoint, service, region=region, account=account, **config)

    @property
    def clock(self) -> Clock:
        """What dates of certificates and stages come from."""
        return self._world.clock

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self._world.faults

    def calls(self, pattern: str = "*") -> tuple[RecordedCall, ...]:
        """The calls that came in since the start or since `forget_calls`, of the operations that a pattern names."""
        return self._world.calls.seen(pattern)

    def forget_calls(self) -> None:
        """Empty the log of calls."""
        self._world.calls.clear()

    def answer_delete_in_use(self, answer: DeleteAnswer | str) -> None:
        """Set what the deletion of a certificate that a stage presents is answered with."""
        self._world.delete_in_use = DeleteAnswer(answer)

    def set_certificate_quota(self, quota: int) -> None:
        """Set how many client certificates an account may have in a region."""
        self._world.certificate_quota = quota

    def seed(self, *seeds: Seed) -> tuple[str, ...]:
        """Put certificates and APIs there with ids and dates of one's choosing; the answer is their ids, in order."""
        from checker.demo.emulator.control import put_seeds

        return put_seeds(self._world, seeds)

    def age(
        self,
        certificate_id: str,
        *,
        expires_at: datetime,
        account: str = ACCOUNT,
        region: str = REGION,
    ) -> None:
        """Issue a certificate anew so that it ends at an instant; raises what API Gateway would answer for a wrong id."""
        from checker.demo.emulator.control import reissue

        reissue(self._world, certificate_id, account=account, region=region, expires_at=expires_at)

    def reset(self) -> None:
        """Empty all accounts, and set everything as at first."""
        from checker.demo.emulator.control import reset

        reset(self._world)
