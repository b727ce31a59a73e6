"""What the environment sets of a policy: `TFCERT_THRESHOLD=45` and its like."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from checker.domain.errors import UsageError
from checker.domain.policy import Setting, Untouched
from checker.domain.severity import FailOn
from checker.domain.text_values import Mismatch
from checker.domain.value import value
from checker.readers.holding import hold
from checker.readers.policy_shape import VALUES
from checker.readers.shapes import Whole

_PREFIX = "TFCERT_"
# By the field that each sets; the others are read elsewhere.
VARIABLES: Mapping[str, str] = {
    "TFCERT_THRESHOLD": "threshold_days",
    "TFCERT_NOTICE": "notice_days",
    "TFCERT_TRUST_WINDOW": "trust_window_days",
    "TFCERT_MARGIN": "margin_days",
    "TFCERT_INTRODUCE_MARGIN": "introduce_margin_days",
    "TFCERT_CERTIFICATE_QUOTA": "certificate_quota",
    "TFCERT_FAIL_ON": "fail_on",
    "TFCERT_UNTOUCHED": "untouched",
}
POLICY_VARIABLE = "TFCERT_POLICY"
_OTHERS = (POLICY_VARIABLE, "TFCERT_TOOL")
# Above what a pipeline may well have of its own (TFCERT_ROLE), below a letter or a word too much (TFCERT_NOTICE_DAYS).
_NEAR = 0.7


@value
class Unknown:
    """A variable that begins as ours do and is none of them."""

    name: str


def read_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Setting] | Unknown]:
    """The settings that variables make, each with the variable's name; an empty one sets nothing.

    Raises UsageError for a value that the policy would not take, and for a name that is most probably one of ours misspelt: it
    would be believed to hold.
    """
    for name in sorted(environment):
        if not name.startswith(_PREFIX) or name in _OTHERS:
            continue
        if name not in VARIABLES:
            known = [other.removeprefix(_PREFIX) for other in (*VARIABLES, *_OTHERS)]
            near = difflib.get_close_matches(name.removeprefix(_PREFIX), known, n=1, cutoff=_NEAR)
            if near:
                raise UsageError("is not known", where=name, remedy=f"did you mean {_PREFIX}{near[0]}?")
            yield Unknown(name=name)
        elif environment[name]:
            yield name, (VARIABLES[name], _read(name, environment[name]))


def _read(name: str, text: str) -> int | FailOn | Untouched:
    field = VARIABLES[name]
    shape = VALUES[field]
    found: int | str = int(text) if isinstance(shape, Whole) and text.isascii() and text.isdigit() and len(text) < 6 else text
    try:
        hold(found, shape, (field,))
    except Mismatch as error:
        raise UsageError(
            error.message, where=name, remedy=error.remedy.replace(f"{field} =", f"{name}=").replace("= ", "=")
        ) from error
    match field:
        case "fail_on":
            return FailOn(text)
        case "untouched":
            return Untouched(text)
        case _:
            return int(text)
