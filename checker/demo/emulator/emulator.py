"""The embedded AWS for the demo and the tests."""

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
from checker.demo.emulator.state import Clock, DeleteAnswer, LogForm, World
from checker.errors import UsageError

if TYPE_CHECKING:
    from checker.demo.emulator.server import Server

# Moto keeps its accounts in module variables, so two emulators in one process would share them.
_only_one = Lock()


class Emulator:
    """An AWS with API Gateway, STS and the other services of moto, on a free port of 127.0.0.1.

    `with Emulator() as aws:` starts and stops it. Its accounts are empty at the start. A process
    runs at most one emulator at a time, and may start it again. Raises UsageError if the extra
    `tfcert[demo]` is not installed, or if another emulator runs in the process.
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
        """Start the server with empty accounts and the initial settings."""
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
        """Stop the server and close open connections; do nothing if it does not run."""
        if self._server is not None:
            self._server.stop()
            self._server = None
            _only_one.release()

    @property
    def endpoint(self) -> str:
        """Return the address for AWS_ENDPOINT_URL."""
        if self._server is None:
            raise UsageError(
                "the emulator does not run", remedy="start it, or use it as a context manager"
            )
        return f"http://127.0.0.1:{self._server.port}"

    def environment(
        self, base: Mapping[str, str] | None = None, *, region: str = REGION
    ) -> dict[str, str]:
        """Return the environment of a child process that uses the emulator as its AWS.

        Variables that could lead it to another server are removed from `base`: `AWS_*`, proxies,
        `TF_CLI_ARGS*`.
        """
        return environment(self.endpoint, base or {}, region=region)

    def client(
        self, service: str, *, region: str = REGION, account: str = ACCOUNT, **config: Any
    ) -> Any:
        """Return a boto3 client for a service of the emulator.

        For another account than the first, it assumes a role there. It does not retry; `config` is
        passed to botocore's Config and overrides that.
        """
        return client(self.endpoint, service, region=region, account=account, **config)

    @property
    def clock(self) -> Clock:
        """Return the clock that sets the dates of certificates and stages."""
        return self._world.clock

    @property
    def faults(self) -> Faults:
        """Return the faults that the emulator injects."""
        return self._world.faults

    def calls(self, pattern: str = "*") -> tuple[RecordedCall, ...]:
        """Return the calls since the start or `forget_calls` that match a pattern."""
        return self._world.calls.seen(pattern)

    def failures(self) -> tuple[str, ...]:
        """Return a text for each call that got a 500 because of an error in the emulator."""
        return tuple(self._world.failures)

    def forget_calls(self) -> None:
        """Empty the log of calls."""
        self._world.calls.clear()

    def answer_delete_in_use(self, answer: DeleteAnswer | str) -> None:
        """Set the answer to the deletion of a certificate that a stage presents."""
        self._world.delete_in_use = DeleteAnswer(answer)

    def set_certificate_quota(self, quota: int) -> None:
        """Set how many client certificates an account may have in a region."""
        self._world.certificate_quota = quota

    def write_test_log(self, form: LogForm | str) -> None:
        """Set the form of the logs of test calls."""
        self._world.test_log = LogForm(form)

    def seed(self, *seeds: Seed) -> tuple[str, ...]:
        """Create certificates and APIs with given ids and dates; return their ids, in order."""
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
        """Issue a certificate again so that it expires at an instant.

        Raises the error that API Gateway would return for a wrong id.
        """
        from checker.demo.emulator.control import reissue

        reissue(self._world, certificate_id, account=account, region=region, expires_at=expires_at)

    def reset(self) -> None:
        """Empty all accounts and restore the initial settings."""
        from checker.demo.emulator.control import reset

        reset(self._world)
