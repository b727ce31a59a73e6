"""What `tfcert patch` is asked for by its command line."""

from __future__ import annotations

import re

from checker.domain.errors import UsageError
from checker.domain.rotation import Phase
from checker.domain.value import value
from checker.pipeline import Wish
from checker.readers.tool import Tool

_NAME = re.compile(r"[A-Za-z_][\w-]*")


@value
class Request:
    """What the command line asks for: the wish, where the patches go, and the tool that is to verify them first."""

    wish: Wish
    out: str | None
    write: bool
    verify: Tool | None = None

    @classmethod
    def of(
        cls,
        *,
        phase: str,
        only: tuple[str, ...],
        name: str | None,
        even_if_not_due: bool,
        trust_bundle: bool,
        out: str | None,
        write: bool,
        verify: Tool | None = None,
    ) -> Request:
        """Put a request together; raises UsageError for what contradicts itself."""
        if write and phase == "all":
            raise UsageError(
                "three phases cannot be written into the files at once", where="--write", remedy="one phase an apply: --phase next"
            )
        if name is not None and not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name that Terraform takes", where="--name", remedy="letters, digits, _ and -")
        wish = Wish(
            phase=Phase(phase) if phase in set(Phase) else None,
            every=phase == "all",
            only=frozenset(only),
            name=name,
            even_if_not_due=even_if_not_due,
            trust_bundle=trust_bundle,
        )
        return cls(wish=wish, out=out, write=write, verify=verify)
