"""The report as one self-contained HTML page, readable without JavaScript.

The page loads nothing and runs only its own script. The template escapes all text from Terraform or
AWS, after invisible characters are replaced by escapes. No such text is part of the script or the
style sheet. The page's content security policy (CSP) allows these two by their hashes only.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checker.collector import collector_paused
from checker.model.deadlines import moment
from checker.model.outcome import Outcome
from checker.reports.escape import printable
from checker.reports.headline import headline
from checker.reports.headline.facts import facts_of, open_rotations
from checker.reports.html.actions import list_actions
from checker.reports.html.certificates import outcome_place, timeline
from checker.reports.html.diffs import patches_of, places
from checker.reports.html.findings import counts, finding_views
from checker.reports.html.fleet import fleet_views
from checker.reports.html.format import (
    NOW,
    date_of,
    dated,
    draw_life,
    named,
    percent,
    prose,
    ticks,
)
from checker.reports.html.manual_rotations import manual_cards, steps_of
from checker.reports.html.rotations import cards
from checker.reports.presenting import count_noun

if TYPE_CHECKING:
    from jinja2 import Environment


def render(outcome: Outcome) -> str:
    """Write an outcome as an HTML page."""
    with collector_paused():
        return _rendered(outcome)


def _rendered(outcome: Outcome) -> str:
    said = headline(facts_of(outcome))
    # A rotation that nobody began is none while its finding is exempted.
    outcome = replace(outcome, rotations=open_rotations(outcome))
    made = cards(outcome, places(outcome.patches), steps_of(outcome.manual))
    return (
        page_environment()
        .get_template("page.html.j2")
        .render(
            headline=said,
            counts=tuple(counts(outcome)),
            outcome=outcome,
            as_of=date_of(outcome.cases.as_of),
            place=outcome_place(outcome),
            judged=moment(outcome.cases.as_of),
            policy=outcome.cases.policy,
            actions=list_actions(outcome, made),
            timeline=timeline(outcome, {number: card.anchor for number, card in enumerate(made)}),
            ticks=tuple(ticks(outcome.cases.as_of)),
            now=percent(NOW),
            fleet=fleet_views(outcome),
            findings=finding_views(outcome),
            cards=made,
            patches=patches_of(outcome.patches),
            manual=manual_cards(outcome.manual, outcome.cases.as_of),
            style=page_asset("page.css"),
            script=page_asset("page.js"),
        )
    )


@cache
def page_asset(name: str) -> str:
    """Return the style sheet or the script of the pages."""
    return files("checker.reports").joinpath("templates", "html", name).read_text(encoding="utf-8")


@cache
def page_environment() -> Environment:
    """Return the templates of the pages; they escape all text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("checker.reports", "templates/html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda entry: printable(entry) if type(entry) is str else entry,
    )
    environment.filters |= {
        "counted": count_noun,
        "prose": prose,
        "named": named,
        "dated": dated,
        "drawn": draw_life,
        "own": Markup,  # the package's own style and script
        "hash": lambda text: f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}",
    }
    return environment
