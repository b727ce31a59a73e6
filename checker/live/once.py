"""What all threads of a run share and one of them makes: a session, the credentials in a role."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from checker.live.gateway import CredentialsError

T = TypeVar("T")


class Once(Generic[T]):
    """What is made once, by whichever thread needs it first; the others wait.

    That credentials are accepted nowhere is as final: nothing about it changes within a run. What else goes wrong may go
    well in another region, so the next one tries again.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: T | CredentialsError | None = None

    def get(self, make: Callable[[], T]) -> T:
        """What was made, or is made now; raises what `make` raises."""
        with self._lock:
            if self._made is None:
                try:
                    self._made = make()
                except CredentialsError as error:
                    self._made = error
            if isinstance(self._made, CredentialsError):
                raise self._made
            return self._made
