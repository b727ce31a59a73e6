"""The options of a probe: which methods, which headers, and how many calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from checker.errors import UsageError
from checker.model.policy import ProbeSettings
from checker.policyfile.schema import HEADER, METHOD, VARIABLE

MOST_CALLS = 20
MAX_AGE = "1h"
_HARMLESS = ("GET", "HEAD", "OPTIONS")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGE = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
# Source: RFC 9110, 5.5: a field's value has no control characters but the tab.
_UNFIT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")


class ProbeOptions(Struct, frozen=True, kw_only=True):
    """The options of one run that calls backends; they replace what the policy sets.

    `any_get` allows the first GET without parameters where no method is named. `unsafe` allows
    methods other than GET, HEAD and OPTIONS. Without `confirmed`, the user is asked first.
    """

    settings: ProbeSettings = ProbeSettings()
    any_get: bool = False
    unsafe: bool = False
    max_calls: int = MOST_CALLS
    timeout: float = 20.0
    confirmed: bool = False

    @classmethod
    def of(
        cls,
        *,
        methods: Sequence[str] | None,
        any_get: bool,
        unsafe: bool,
        headers: Sequence[str] | None,
        max_calls: int | None,
        timeout: float,
        confirmed: bool,
    ) -> ProbeOptions:
        """Parse the options; raises UsageError."""
        return cls(
            settings=ProbeSettings(
                methods=tuple(_method(text, unsafe=unsafe) for text in methods or ()),
                headers=tuple(sorted(dict(map(_header, headers or ())).items())),
            ),
            any_get=any_get,
            unsafe=unsafe,
            max_calls=MOST_CALLS if max_calls is None else max_calls,
            timeout=timeout,
            confirmed=confirmed,
        )

    def after(self, made: int) -> ProbeOptions:
        """Return the options of a run that has made some calls already."""
        return replace(self, max_calls=max(0, self.max_calls - made)) if made else self


def _method(text: str, *, unsafe: bool) -> str:
    found = " ".join(text.split(None, 1))
    verb, _, path = found.partition(" ")
    found = f"{verb.upper()} {path}"
    if not re.fullmatch(METHOD, found, re.ASCII):
        raise UsageError(
            f"{text!r} is not a method and a path",
            where="--method",
            remedy='write --method "GET /health"',
        )
    refuse_unsafe(found, "--method", unsafe=unsafe)
    return found


def refuse_unsafe(method: str, where: str, *, unsafe: bool) -> None:
    """Raise UsageError for a method that may change something in a backend, without --unsafe."""
    verb = method.partition(" ")[0]
    if verb not in _HARMLESS and not unsafe:
        raise UsageError(
            f"{method}: {verb} may change something in the backend",
            where=where,
            remedy=f"name a method of {', '.join(_HARMLESS)}, or add --unsafe",
        )


def _header(text: str) -> tuple[str, str]:
    name, _, variable = text.partition("=")
    if not re.fullmatch(HEADER, name, re.ASCII) or not re.fullmatch(VARIABLE, variable, re.ASCII):
        # What is behind the = may be a secret: it is not repeated.
        raise UsageError(
            "is not NAME=env:VARIABLE",
            where="--header",
            remedy="write --header Authorization=env:HEALTH_TOKEN; "
            "the variable has the value, which is never printed",
        )
    return name, variable.removeprefix("env:")


def header_values(settings: ProbeSettings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with their values; raises UsageError for one without a usable value.

    The values are secrets: no message has them.
    """
    found: dict[str, str] = {}
    for name, variable in settings.headers:
        text = environment.get(variable, "")
        if not text or _UNFIT.search(text):
            what = "is not set" if not text else "has characters that no header may have"
            raise UsageError(
                f"the variable {variable} {what}",
                where=f"header {name}",
                remedy=f"set {variable} to the value of the header",
            )
        found[name] = text
    return found


def parse_age(text: str) -> timedelta:
    """Parse a duration such as 90s, 30m, 1h or 2d; raises UsageError."""
    found = _AGE.fullmatch(text)
    if found is None or not int(found[1]):
        raise UsageError(
            f"{text!r} is not a duration", where="--probe-max-age", remedy="write 30m or 1h"
        )
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
