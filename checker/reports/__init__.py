"""One format a file: an outcome in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from checker.domain.outcome import Outcome


def _text(outcome: Outcome) -> str:
    from checker.reports.text import render

    return render(outcome)


def _json(outcome: Outcome) -> str:
    from checker.reports.json_v1 import render

    return render(outcome)


FORMATS: Mapping[str, Callable[[Outcome], str]] = {"text": _text, "json": _json}
