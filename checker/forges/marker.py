"""The hidden line that says whose comment this is, and how fresh: the first line of each that we write, and nothing but it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from checker.domain.value import value

_OPENS, _CLOSES = "<!-- tfcert comment ", " -->"


@value
class Marker:
    """Identity is `key` and `repository`, both to the letter. `at` is when the outcome was judged, timezone-aware.

    `run` is the number that the pipeline counts its runs by, None outside of one; a repeated run keeps its number.
    `resolved` says that all was well.
    """

    key: str
    repository: str
    at: datetime
    commit: str | None = None
    run: int | None = None
    resolved: bool = False

    def is_of(self, other: Marker) -> bool:
        """Whether both mark the same comment."""
        return (self.key, self.repository) == (other.key, other.repository)

    def older_than(self, other: Marker) -> bool:
        """Whether it tells of an earlier run.

        By the runs' numbers where both have one: a branch that is pushed back to an older commit is judged anew all the same, and
        a run that is repeated is no newer for it.
        """
        if self.run is not None and other.run is not None and self.run != other.run:
            return self.run < other.run
        return self.at < other.at

    @property
    def line(self) -> str:
        """The hidden line; nothing in it can end the HTML comment."""
        fields = {
            "key": self.key,
            "repository": self.repository,
            "at": self.at.astimezone(UTC).isoformat(),
            "commit": self.commit,
            "run": self.run,
            "resolved": self.resolved,
        }
        text = json.dumps(fields).replace("--", "-\\u002d").replace("<", "\\u003c").replace(">", "\\u003e")
        return f"{_OPENS}{text}{_CLOSES}"


def read_marker(body: str) -> Marker | None:
    """The marker of a comment; None for a comment that has none, or has it anywhere but alone in the first line."""
    first = body.replace("\r\n", "\n").partition("\n")[0].rstrip()
    if not first.startswith(_OPENS) or not first.endswith(_CLOSES):
        return None
    try:
        fields = json.loads(first[len(_OPENS) : -len(_CLOSES)])
        made = Marker(
            key=fields["key"],
            repository=fields["repository"],
            at=datetime.fromisoformat(fields["at"]),
            commit=fields["commit"],
            run=fields["run"],
            resolved=fields["resolved"],
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return made if _is_sound(made) else None


def _is_sound(made: Marker) -> bool:
    texts = isinstance(made.key, str) and isinstance(made.repository, str) and isinstance(made.commit, str | None)
    return texts and isinstance(made.run, int | None) and isinstance(made.resolved, bool) and made.at.tzinfo is not None
