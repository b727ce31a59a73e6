"""Describe the edit of a `.tf.json` file in words, since tfcert does not write JSON.

The shape is that of Terraform's JSON configuration syntax: blocks are objects by type and labels,
references are templates.
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


# The certificate to rotate: its type and name, or a literal id.
Rotated = tuple[str, str] | str


def concerns(data: bytes, what: Rotated) -> bool:
    """Return whether a JSON file may be part of the rotation of a certificate.

    The result is False only if two facts are certain. The file does not name the certificate, and
    its stages take their ids directly from other certificates.
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
    """Return the edit of each phase in a JSON file, in words.

    The result is None if the text is not JSON or does not mention the rotated certificate. `only`
    is the rotated certificate: the other certificates in the file stay as they are.
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
            ", without the blocks that run at its creation (provisioner, action_trigger)"
            if _runs(document, kind, name)
            else ""
        )
        words.append(
            f'introduce: copy the key "{name}" under resource.{kind}'
            f' to a new key, such as "{name}_next"{bare}'
        )
    for place, name in referring:
        words.append(
            f'repoint: at {place} write "{name}_next" for "{name}"'
            if place.endswith("client_certificate_id")
            else f'{place} refers to "{name}" too: change an id in repoint, a PEM in retire'
        )
    words += [f'retire: delete the key "{name}" under resource.{kind}' for kind, name in declared]
    return f"in {path}, {'; '.join(words)}; apply each step separately" if words else None


def json_certificates(data: bytes) -> frozenset[tuple[str, str]]:
    """Return the type and name of each certificate that a JSON file declares or refers to.

    The result is empty if the text is not JSON.
    """
    document = _read(data)
    return frozenset(
        {
            *_declared(document),
            *(each for _, text in _texts(document, "") for each in _REFERENCE.findall(text)),
        }
    )


def _read(data: bytes) -> Any:
    """Return the content of a JSON file; None if the text is not JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def is_json(data: bytes) -> bool:
    """Return whether a text is a JSON object, as every JSON file of a configuration is."""
    return isinstance(_read(data), dict)


def _declared(document: Any) -> Iterator[tuple[str, str]]:
    for resources in _objects(document.get("resource") if isinstance(document, dict) else None):
        for kind in sorted(CERTIFICATES):
            for blocks in _objects(resources.get(kind)):
                yield from ((kind, name) for name in blocks)


def _runs(document: Any, kind: str, name: str) -> bool:
    """Return whether a certificate's block runs something.

    A copy of the block would run it with the successor only.
    """
    return any(
        "provisioner" in block
        or any("action_trigger" in inner for inner in _objects(block.get("lifecycle")))
        for resources in _objects(document.get("resource"))
        for blocks in _objects(resources.get(kind))
        for block in _objects(blocks.get(name))
    )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the blocks of a value: the syntax takes a block or a list of blocks."""
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
