"""The phases that a rotation goes through."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """The three phases of a rotation, one an apply; rollback undoes the second while the predecessor lives."""

    INTRODUCE = "introduce"
    REPOINT = "repoint"
    RETIRE = "retire"
    ROLLBACK = "rollback"


SERIES = (Phase.INTRODUCE, Phase.REPOINT, Phase.RETIRE)
