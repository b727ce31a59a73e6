"""Severities of findings, and the severities that fail a run."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """Error, warning or note; a lower number is more severe, so that errors sort first."""

    ERROR = 0
    WARNING = 1
    NOTE = 2

    @property
    def word(self) -> str:
        """Return its name in reports and policies."""
        return self.name.lower()


class FailOn(StrEnum):
    """The minimum severity of a finding that sets exit code 1; the strictest is `warning`."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"

    @property
    def least(self) -> Severity:
        """Return the minimum severity that counts for the verdict.

        With `never`, errors still count for the verdict; they only do not set the exit code.
        """
        return Severity.WARNING if self is FailOn.WARNING else Severity.ERROR
