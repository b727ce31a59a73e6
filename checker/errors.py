"""The one family of errors that a user sees: where, why, and what to do next."""

from __future__ import annotations


class TfcertError(Exception):
    """An error that a user must act on; the command line turns it into exit code 2.

    `where` is a file, a line, a JSON path, an address or a region; `remedy` says what to do next.
    """

    def __init__(
        self, message: str, *, where: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.remedy})" if self.remedy else text


class UsageError(TfcertError):
    """The command line or the policy asks for something that cannot be done."""


class UnreadableError(TfcertError):
    """An input cannot be read, or does not have the expected form."""


class UnprovenError(TfcertError):
    """An edit could not be proven to do exactly what it should; nothing is written."""
