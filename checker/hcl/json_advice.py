"""The edit of a `.tf.json` file in words: tfcert does not write JSON, and says what a person has to.

The shape is that of Terraform's JSON configuration syntax: blocks are objects by type and labels, references are templates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from checker.hcl.generated import cdktf_edit
from checker.model.resource_types import CERTIFICATES

_REFERENCE = re.compile(r"\b((?:aws_api_gateway|awscc_apigateway)_client_certificate)\.([\w-]+)")
_PLAIN = re.compile(
    r"\$\{\s*(?:aws_api_gateway|awscc_apigateway)_client_certificate\.[\w-]+\.(?:id|client_certificate_id)\s*\}"
)
_OF_CERTIFICATE = re.compile(
    r"^resource(?:\[\d+\])?\.(?:aws_api_gateway|awscc_apigateway)_client_certificate\b"
)
_WORD = "client_certificate"


# The certificate that is rotated, by type and name, or a literal id.
Rotated = tuple[str, str] | str


def concerns(data: bytes, what: Rotated) -> bool:
    """Whether a JSON file may have a part in the rotation of a certificate: it stays out of it only where that is sure.

    Sure is a file that names the certificate nowhere, and whose stages take their ids from other certificates directly.
    """
    document = _read(data)
    if document is None:
        return True
    if isinstance(what, str):
        if what.encode() in data:
            return True
    elif what in set(_declared(document)) or what in _REFERENCE.findall(
        data.decode("utf-8", "replace")
    ):
        return True
    for place, text in _texts(document, ""):
        spoken = _WORD in _OF_CERTIFICATE.sub("", place) or _WORD in text
        if spoken and not _PLAIN.fullmatch(text) and (_WORD in text or "${" in text):
            return True
    return False


def json_edit(path: str, data: bytes, only: Rotated | None = None) -> str | None:
    """What each phase is in a JSON file; None where it is no JSON, or says nothing of the certificate that is rotated.

    `only` is what is rotated: the other certificates in the file stay as they are.
    """
    document = _read(data)
    if document is None:
        return None
    if isinstance(only, str):
        places = sorted(place for place, text in _texts(document, "") if text == only)
        words = [
            f'repoint: at {place} write "${{TYPE.NAME.id}}" of the successor for "{only}"'
            for place in places
        ]
        return f"in {path}, {'; '.join(words)}" if words else None
    declared = sorted(each for each in set(_declared(document)) if only in {None, each})
    found = {
        (place, *each) for place, text in _texts(document, "") for each in _REFERENCE.findall(text)
    }
    referring = sorted(
        {(place, name) for place, kind, name in found if only in {None, (kind, name)}}
    )
    if declared or referring:
        names = tuple(name for _, name in declared)
        constructs = cdktf_edit(path, document, names, tuple(place for place, _ in referring))
        if constructs is not None:
            return constructs
    words = []
    for kind, name in declared:
        bare = (
            ", without what runs at its creation (provisioner, action_trigger)"
            if _runs(document, kind, name)
            else ""
        )
        words.append(
            f'introduce: copy the key "{name}" under resource.{kind} to a new key, such as "{name}_next"{bare}'
        )
    for place, name in referring:
        words.append(
            f'repoint: at {place} write "{name}_next" for "{name}"'
            if place.endswith("client_certificate_id")
            else f'{place} refers to "{name}" too, and follows it: an id in repoint, a PEM in retire'
        )
    words += [f'retire: delete the key "{name}" under resource.{kind}' for kind, name in declared]
    return f"in {path}, {'; '.join(words)}; one apply each" if words else None


def json_certificates(data: bytes) -> frozenset[tuple[str, str]]:
    """Return the type and name of each certificate that a JSON file declares or refers to; empty where it is no JSON."""
    document = _read(data)
    return frozenset(
        {
            *_declared(document),
            *(each for _, text in _texts(document, "") for each in _REFERENCE.findall(text)),
        }
    )


def _read(data: bytes) -> Any:
    """Return what a JSON file holds; None for a text that is no JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def is_json(data: bytes) -> bool:
    """Whether a text is a JSON object, as each JSON file of a configuration is."""
    return isinstance(_read(data), dict)


def _declared(document: Any) -> Iterator[tuple[str, str]]:
    for resources in _objects(document.get("resource") if isinstance(document, dict) else None):
        for kind in sorted(CERTIFICATES):
            for blocks in _objects(resources.get(kind)):
                yield from ((kind, name) for name in blocks)


def _runs(document: Any, kind: str, name: str) -> bool:
    """Whether a certificate's block runs something: a copy would run it with the successor alone."""
    return any(
        "provisioner" in block
        or any("action_trigger" in inner for inner in _objects(block.get("lifecycle")))
        for resources in _objects(document.get("resource"))
        for blocks in _objects(resources.get(kind))
        for block in _objects(blocks.get(name))
    )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """A block, or a list of blocks: the syntax takes either."""
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict):
            yield entry


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    stack: list[tuple[Any, str]] = [(value, place)]
    while stack:
        current, here = stack.pop()
        if isinstance(current, str):
            yield here, current
        elif isinstance(current, dict):
            stack += [(inner, f"{here}.{key}" if here else key) for key, inner in current.items()]
        elif isinstance(current, list):
            stack += [
                (inner, f"{here}[{index}]" if len(current) > 1 else here)
                for index, inner in enumerate(current)
            ]
