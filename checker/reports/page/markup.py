"""The small pieces that a page of thousands repeats, as markup: a macro of the template takes five times as long for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checker.reports.page.life import Life
from checker.reports.page.wording import Date, Name
from checker.reports.printable import printable

if TYPE_CHECKING:
    from markupsafe import Markup


def named(name: Name) -> Markup:
    """An address, its own name set off from what leads to it."""
    from markupsafe import Markup, escape

    # A long way breaks at its dots, before it breaks anywhere.
    lead = f"<span>{str(escape(printable(name.lead))).replace('.', '.<wbr>')}</span>" if name.lead else ""
    return Markup(f'<code class="name">{lead}{escape(printable(name.own))}</code>')  # noqa: S704 -- both parts are escaped


def dated(date: Date) -> Markup:
    """A day in words, with its instant for machines."""
    from markupsafe import Markup

    return Markup(f'<time datetime="{date.instant}">{date.day}</time>')  # noqa: S704 -- digits and the names of months


def drawn(life: Life) -> Markup:
    """A certificate's line as SVG: its stretches, what is past and now over them, and its marks above all."""
    from markupsafe import Markup

    stretches = "".join(f'<rect class="{part.kind}" x="{part.at}" width="{part.width}"/>' for part in life.stretches)
    marks = "".join(f'<use href="#m-{mark.kind}" class="{mark.kind}" x="{mark.at}"/>' for mark in life.marks)
    return Markup(f'{stretches}<use href="#m-grid"/>{marks}')  # noqa: S704 -- words and numbers of our own
