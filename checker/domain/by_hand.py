"""A rotation that no patch can write: what a person types, in order, and what must hold between the steps."""

from __future__ import annotations

from datetime import datetime

from checker.domain.place import Place
from checker.domain.value import value


@value
class HandStep:
    """One step: what it does, the shell lines that do it (POSIX, every name quoted), and what must hold before the next."""

    does: str
    commands: tuple[str, ...] = ()
    then: str | None = None


@value
class HandRotation:
    """The rotation of one certificate by the AWS CLI; tfcert prints it, and runs none of it.

    `managed` is whether Terraform knows the certificate, None where that is not known. `successor` is the certificate that was made
    to succeed it, None where none was made yet. `stages` are those that a person has to move, as a report names them.
    """

    certificate_id: str
    place: Place
    managed: bool | None
    successor: str | None
    ends: datetime | None
    stages: tuple[str, ...]
    steps: tuple[HandStep, ...]
