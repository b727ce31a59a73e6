"""How much a finding weighs."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """Error, warning or note; the lower the number, the more it weighs, so that sorting puts errors first."""

    ERROR = 0
    WARNING = 1
    NOTE = 2

    @property
    def word(self) -> str:
        """How it is written in reports and policies."""
        return self.name.lower()


class FailOn(StrEnum):
    """From which severity on a finding makes exit code 1; the strictest is `warning`."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"

    @property
    def least(self) -> Severity:
        """The least severity that makes the verdict; with `never` errors still do, and only the exit code does not."""
        return Severity.WARNING if self is FailOn.WARNING else Severity.ERROR
