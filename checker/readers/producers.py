"""Who produces the id that a stage takes from elsewhere, in words, and what a person does there."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.value import value
from checker.hcl.configuration import Configuration, literal
from checker.hcl.origins import Origin, Producer, source_of
from checker.hcl.source import SourceFile
from checker.hcl.syntax import Block, descendants

_PARAMETERS = frozenset({"aws_ssm_parameter", "aws_secretsmanager_secret_version", "aws_secretsmanager_secret"})
_STATE = "terraform_remote_state"
# No stage is recorded where the id is given from, so no patch is written there.
_THERE_REMEDY = (
    "add the successor there and apply; have every backend trust it; give its id in {} there and apply; "
    "the next apply here moves the stage; then remove the old certificate there"
)


@value
class ProducerWords:
    """What produces an id, as a report says it, and what to do about it."""

    what: str
    remedy: str


def told(configuration: Configuration, found: tuple[Origin, ...], setters: dict[str, tuple[str, ...]]) -> ProducerWords | None:
    """All that an id may come from; None where nothing was found. `setters` are the var files that give each variable."""
    entries = {entry.what: entry for origin in found if (entry := _one(configuration, origin, setters)) is not None}
    if not entries:
        return None
    remedies = dict.fromkeys(entry.remedy for entry in entries.values())
    return ProducerWords(what=" or ".join(sorted(entries)), remedy="; ".join(remedies))


def _one(configuration: Configuration, origin: Origin, setters: dict[str, tuple[str, ...]]) -> ProducerWords | None:
    match origin.producer:
        case Producer.LITERAL:
            # Keys and fallbacks such as "" are no ids.
            return ProducerWords(what="a literal id", remedy="") if origin.plain and origin.text.isalnum() else None
        case Producer.VARIABLE:
            files = setters.get(origin.text, ())
            given = f", which {', '.join(files)} gives" if files else ""
            return ProducerWords(
                what=f"var.{origin.text}{given}",
                remedy=f"whoever sets var.{origin.text} gives the successor's id there, once the backends trust it",
            )
        case Producer.MODULE:
            source = source_of(configuration, origin.module, origin.text)
            return ProducerWords(
                what=f"module.{origin.text} (source {source or 'not plain text'}, which is no folder here)",
                remedy=f"rotate it in the repository of {source or f'module.{origin.text}'}, and take its new version here",
            )
        case Producer.DATA:
            return _data(configuration, origin)
        case Producer.RESOURCE:
            return ProducerWords(what=origin.text, remedy=f"change where {origin.text} takes it from")


def _data(configuration: Configuration, origin: Origin) -> ProducerWords:
    _, kind, name = (*origin.text.split("."), "")[:3]
    file, block = next(configuration.blocks(origin.module, "data", kind, name), (None, None))
    if kind == _STATE:
        where = ", ".join(_texts(file, block, ("bucket", "key", "name", "organization", "path", "prefix")))
        return ProducerWords(
            what=f"{origin.text}, another state ({where or 'see its config'})",
            remedy=f"rotate it manually in the configuration of that state: {_THERE_REMEDY.format('the output')}",
        )
    if kind in _PARAMETERS and file is not None and block is not None:
        named = literal(file.data, block, "name") or literal(file.data, block, "secret_id") or "see its name"
        return ProducerWords(
            what=f"{origin.text} ({named})",
            remedy=f"rotate it manually in the configuration that writes {named}: {_THERE_REMEDY.format('the value')}",
        )
    return ProducerWords(what=origin.text, remedy=f"rotate it where {origin.text} is made")


def _texts(file: SourceFile | None, block: Block | None, names: tuple[str, ...]) -> Iterator[str]:
    """`name = "text"` of some names, anywhere in a block: `config` is an object in HCL of today, and was a block before."""
    if file is None or block is None:
        return
    for attribute in block.body.attributes:
        for node in descendants(attribute.expression):
            key, value_ = node.child_by_field_name("key"), node.child_by_field_name("val")
            if node.type == "object_elem" and key is not None and value_ is not None:
                name = file.data[key.start_byte : key.end_byte].decode("utf-8", "replace").strip('"')
                if name in names:
                    yield f"{name} {file.data[value_.start_byte : value_.end_byte].decode('utf-8', 'replace')}"
