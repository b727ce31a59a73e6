"""What the emulator is set to: its clock, its quota, how it answers what AWS's answer is not known to, its faults and its log."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event, Lock

from checker.demo.emulator.calls import CallLog
from checker.demo.emulator.clock import Clock
from checker.demo.emulator.faults import Faults
from checker.demo.emulator.wanted import SeedRole

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
