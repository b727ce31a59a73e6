"""The comments that tie what tfcert wrote to the certificate that it was written for.

The comment above a successor names its predecessor; the one above an output names the certificate whose PEM it holds.
"""

from __future__ import annotations

import re

from checker.hcl.arrivals import is_condition
from checker.hcl.references import Reference, Use
from checker.hcl.source import SourceFile
from checker.hcl.syntax import Block, Span

# A file that begins with a licence keeps it, though it may stand directly above a block that goes.
LICENCE = re.compile(rb"copyright|SPDX|licen[cs]e", re.IGNORECASE)

_SUCCEEDS = re.compile(rb"^[ \t]*(?:#|//)[ \t]*tfcert:[ \t]*succeeds[ \t]+([\w.-]+)[ \t]*\r?$", re.MULTILINE)
_PEM_OF = re.compile(rb"^[ \t]*(?:#|//)[ \t]*tfcert:[ \t]*PEM of[ \t]+([\w.-]+)", re.MULTILINE)


def succeeds_comment(reference: str) -> str:
    """The comment above a successor, without a line end."""
    return f"# tfcert: succeeds {reference}"


def pem_comment(reference: str) -> str:
    """The comment above the output of a successor's PEM, without a line end."""
    return f"# tfcert: PEM of {reference}, for the backends to trust"


def attached(file: SourceFile, block: Block) -> Span:
    """The comment lines directly above a block, without a blank line between; empty where there are none."""
    start = file.line_start(block.span.start)
    top = start
    comments = {file.line_start(span.start): span for span in file.body.comments if _stands_alone(file, span)}
    while top > 0:
        above = file.line_start(top - 1)
        span = next((c for c in comments.values() if file.line_start(max(c.end - 1, c.start)) == above), None)
        if span is None:
            break
        top = file.line_start(span.start)
    return Span(top, start)


def predecessor_comment(file: SourceFile, block: Block) -> tuple[str, Span] | None:
    """What the block succeeds, as `TYPE.NAME`, and the span of the comment's whole line."""
    return _find(_SUCCEEDS, file, block)


def pem_of(file: SourceFile, block: Block) -> str | None:
    """The certificate, as `TYPE.NAME`, whose PEM tfcert wrote this output for."""
    found = _find(_PEM_OF, file, block)
    return found[0].rstrip(",") if found else None


def hands_pem_on(reference: Reference) -> bool:
    """Whether a reference gives the PEM to somebody who trusts by it.

    A condition only checks it, and the output that tfcert wrote is not meant to last.
    """
    site = reference.site
    if reference.use is not Use.TRUST or is_condition(site):
        return False
    return not (site.block.type == "output" and pem_of(site.file, site.block))


def _find(pattern: re.Pattern[bytes], file: SourceFile, block: Block) -> tuple[str, Span] | None:
    span = attached(file, block)
    found = None
    for found in pattern.finditer(span.of(file.data)):  # noqa: B007 -- the last one stands nearest to the block
        pass
    if found is None:
        return None
    line = Span(file.line_start(span.start + found.start(1)), file.line_end(span.start + found.start(1)))
    return found.group(1).decode(), line


def _stands_alone(file: SourceFile, span: Span) -> bool:
    return not file.data[file.line_start(span.start) : span.start].strip()
