"""The emulator's clock: it runs with the world's, stands where it is put, and moves when it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Event, Lock

from checker.demo.emulator.calls import CallLog
from checker.demo.emulator.faults import Faults
from checker.demo.emulator.seeds import SeedRole


class Clock:
    """What the emulator takes for now, in UTC; dates of certificates and stages come from it.

    It runs until `set` stops it at an instant; `advance` moves it in either state, and `run` gives it the world's time again.
    """

    def __init__(self) -> None:
        self._stands_at: datetime | None = None
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The instant that the clock shows, in UTC."""
        if self._stands_at is not None:
            return self._stands_at
        return datetime.now(UTC) + self._ahead

    def set(self, instant: datetime) -> None:
        """Stop the clock at an instant; one without a time zone is refused with ValueError."""
        if instant.tzinfo is None:
            raise ValueError(f"{instant.isoformat()} names no time zone")
        self._stands_at = instant.astimezone(UTC)

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Move the clock, backwards where the sum is negative, and say what it shows then."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if self._stands_at is not None:
            self._stands_at += step
        else:
            self._ahead += step
        return self.now()

    def run(self) -> None:
        """Show the world's time again, and run with it."""
        self._stands_at = None
        self._ahead = timedelta()


QUOTA = 60


class DeleteAnswer(StrEnum):
    """What the deletion of a certificate that a stage presents is answered with.

    AWS's answer is not known: the model lists BadRequest and Conflict, and emulators disagree (`facts/aws.md` 1).
    """

    CONFLICT = "conflict"
    BAD_REQUEST = "badrequest"
    ALLOW = "allow"


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that a person driving the emulator may set, and what it has seen; one an emulator, shared by its threads.

    `certificate_quota` is the number of client certificates that an account may have in a region (60 in AWS, adjustable).
    `roles` are those that may be assumed, every one where it is empty. `stopping` ends hung requests; `lock` makes a look and the
    change that rests on it one step.
    """

    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    calls: CallLog = field(default_factory=CallLog)
    delete_in_use: DeleteAnswer = DeleteAnswer.CONFLICT
    certificate_quota: int = QUOTA
    roles: dict[str, SeedRole] = field(default_factory=dict)
    stopping: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def restore(self) -> None:
        """Set everything back to how an emulator starts."""
        self.clock.run()
        self.faults.clear()
        self.calls.clear()
        self.delete_in_use = DeleteAnswer.CONFLICT
        self.certificate_quota = QUOTA
        self.roles.clear()
