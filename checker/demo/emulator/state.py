"""The emulator's clock and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Event, Lock

from checker.demo.emulator.calls import CallLog
from checker.demo.emulator.faults import Faults
from checker.demo.emulator.repeats import Repeats
from checker.demo.emulator.seeds import SeedRole


class Clock:
    """The emulator's current time, in UTC, for the dates of certificates and stages.

    It runs with the system clock until `set` stops it at an instant. `advance` moves it in either
    state; `run` returns it to the system time.
    """

    def __init__(self) -> None:
        self._fixed_at: datetime | None = None
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the current time of the clock, in UTC."""
        if self._fixed_at is not None:
            return self._fixed_at
        return datetime.now(UTC) + self._ahead

    def set(self, instant: datetime) -> None:
        """Stop the clock at an instant; raises ValueError if it has no time zone."""
        if instant.tzinfo is None:
            raise ValueError(f"{instant.isoformat()} names no time zone")
        self._fixed_at = instant.astimezone(UTC)

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Move the clock, backwards if the sum is negative, and return its new time."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if self._fixed_at is not None:
            self._fixed_at += step
        else:
            self._ahead += step
        return self.now()

    def run(self) -> None:
        """Return to the system time, and run with it."""
        self._fixed_at = None
        self._ahead = timedelta()


QUOTA = 60
# The path of the emulator's presigned URLs; a token follows.
PRESIGNED = "/_presigned/"


class DeleteAnswer(StrEnum):
    """The answer to the deletion of a certificate that a stage presents.

    AWS's answer is not documented: the API model lists BadRequest and Conflict, and emulators
    disagree.
    """

    CONFLICT = "conflict"
    BAD_REQUEST = "badrequest"
    ALLOW = "allow"


class LogForm(StrEnum):
    """The form of the log of a test call: AWS's own is not documented.

    CONSOLE is as the console of API Gateway shows logs, JSON is lines of JSON, and CHATTY mentions
    TLS in every log, and no failure. With NONE the answer has no log.
    """

    CONSOLE = "console"
    JSON = "json"
    CHATTY = "chatty"
    NONE = "none"


@dataclass(slots=True, kw_only=True)
class World:
    """The settings and the log of one emulator, shared by its threads.

    `certificate_quota` is the number of client certificates that an account may have in a region
    (60 in AWS, adjustable). `roles` are the roles that may be assumed; if it is empty, every role
    may. `stopping` ends hung requests. `lock` makes a check and the change that depends on it
    atomic. `presigned` has what each presigned URL answers, by its token. `failures` has a text for
    each call that the emulator could not answer.
    """

    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    calls: CallLog = field(default_factory=CallLog)
    delete_in_use: DeleteAnswer = DeleteAnswer.CONFLICT
    certificate_quota: int = QUOTA
    test_log: LogForm = LogForm.CONSOLE
    roles: dict[str, SeedRole] = field(default_factory=dict)
    presigned: dict[str, bytes] = field(default_factory=dict)
    repeats: Repeats = field(default_factory=Repeats)
    failures: list[str] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def restore(self) -> None:
        """Restore the initial state of an emulator."""
        self.clock.run()
        self.faults.clear()
        self.calls.clear()
        self.delete_in_use = DeleteAnswer.CONFLICT
        self.certificate_quota = QUOTA
        self.test_log = LogForm.CONSOLE
        self.roles.clear()
        self.presigned.clear()
        self.repeats.clear()
        self.failures.clear()
