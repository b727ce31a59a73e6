"""The form in which a place has the PEM of both certificates, and how to find it in text."""

from __future__ import annotations

import re

from checker.hcl.references import Reference
from checker.hcl.syntax import Span

_PEM = b"pem_encoded_certificate"


def join_of(old: bytes, new: bytes) -> bytes:
    """Return an expression of two PEMs in one text.

    The old one is first, since a backend may trust only the first. API Gateway's PEM ends without a
    newline.
    """
    return b'join("\\n", [trimspace(%s), trimspace(%s)])' % (old, new)


def renamed_text(reference: Reference, name: str | None) -> bytes:
    """Return the text of a reference, with the name of another certificate if one is given."""
    data, span = reference.site.file.data, reference.traversal.span
    if name is None:
        return span.of(data)
    return (
        data[span.start : reference.name.start]
        + name.encode()
        + data[reference.name.end : span.end]
    )


def pem_text(reference: Reference, name: str | None) -> bytes:
    """Return the reference with the PEM in place of the last attribute that it takes."""
    last = reference.traversal.steps[-1].span
    text = renamed_text(reference, name)
    return text[: len(text) - (last.end - last.start)] + _PEM


def is_single(reference: Reference) -> bool:
    """Return whether the reference is one string.

    That is `x.name.attribute`, or one instance of it by its key, without a splat.
    """
    steps = reference.traversal.steps
    text = reference.traversal.span.of(reference.site.file.data)
    indexed = len(steps) == 3 and steps[1].name is None
    return (len(steps) == 2 or indexed) and steps[-1].name is not None and b"*" not in text


def join_around(reference: Reference, successor: str | None = None) -> Span | None:
    """Return the span of the join of both PEMs around a reference to the first; None without one.

    Without a `successor`, the second PEM may be that of any other certificate.
    """
    attribute, start = reference.site.attribute.span, reference.traversal.span.start
    data = reference.site.file.data
    old = re.escape(reference.traversal.span.of(data))
    if successor is None:
        before = re.escape(data[reference.traversal.span.start : reference.name.start])
        behind = re.escape(data[reference.name.end : reference.traversal.span.end])
        new = before + rb"[\w-]+" + behind
    else:
        new = re.escape(renamed_text(reference, successor))
    pattern = re.compile(
        rb'join\(\s*"\\n"\s*,\s*\[\s*trimspace\(\s*(%s)\s*\)\s*,\s*trimspace\(\s*%s\s*\)\s*,?\s*\]\s*\)'
        % (old, new)
    )
    matches = pattern.finditer(data, attribute.start, attribute.end)
    found = next((match for match in matches if match.start(1) == start), None)
    return Span(found.start(), found.end()) if found is not None else None
