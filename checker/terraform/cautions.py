"""Find side effects of a phase that the user must know before terraform apply."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from msgspec import Struct

from checker.hcl.arrivals import Arrival
from checker.hcl.companions.kinds import TriggerOnPem
from checker.hcl.configuration import (
    Configuration,
    ModulePath,
    literal_string,
)
from checker.hcl.consumers import Consumer
from checker.hcl.deliveries import TRIGGERED
from checker.hcl.file_hashes import file_hashes
from checker.hcl.flow import STAGES, Flow
from checker.hcl.obstacles import unit_uses
from checker.hcl.origins import Origin, Producer, source_of
from checker.hcl.provisioners import runs
from checker.hcl.references import moved_by_repoint
from checker.hcl.syntax import Block, SourceFile, descendants
from checker.hcl.terraform_tests import (
    moved_in_tests_by_repoint,
    test_references,
    unedited_mentions,
)
from checker.model.location import Location
from checker.model.rotation import SERIES, Caution, Phase

Locate = Callable[[str, int], Location]


def flow_obstacles_declared(
    configuration: Configuration,
    file: SourceFile,
    flow: Flow,
    ids: tuple[Arrival, ...],
    consumers: tuple[Consumer, ...],
    locate: Locate,
) -> Iterator[Caution]:
    """Yield the side effects of a certificate's phases.

    Introduce edits no file that is hashed (`checker.patches.introduce`).
    """
    raised = {
        each.file.path
        for consumer in consumers
        if consumer.is_joined
        for each in consumer.companions
    }
    moved = moved_by_repoint(flow.references)
    pointed = {reference.site.file.path for reference in moved}
    others = {reference.site.file.path for reference in flow.references if reference not in moved}
    yield from _beside(ids, consumers, locate)
    yield from triggered(configuration, Phase.REPOINT, pointed, locate)
    yield from triggered(configuration, Phase.RETIRE, {file.path, *others, *raised}, locate)
    yield from triggered(configuration, Phase.ROLLBACK, pointed, locate)


def of_tests(
    configuration: Configuration, module: ModulePath, kind: str, name: str, locate: Locate
) -> Iterator[Caution]:
    """Yield the lines of test and query files that name the certificate: edited and others."""
    found = tuple(test_references(configuration, module, kind, name))
    moved = moved_in_tests_by_repoint(found)
    repoint = {(reference.site.file.path, reference.line) for reference in moved}
    retire = {(reference.site.file.path, reference.line) for reference in found} - repoint
    for phase, places in (
        (Phase.REPOINT, repoint),
        (Phase.RETIRE, retire),
        (Phase.ROLLBACK, repoint),
    ):
        if places:
            named = ", ".join(str(locate(*place)) for place in sorted(places))
            what = _files({path for path, _ in places})
            yield Caution(
                phase=phase, text=f"it edits {what} too, which name the certificate: {named}"
            )
    failing = sorted(
        (r.site.file.path, r.line) for r in found if r.site.path[-1] == "expect_failures"
    )
    if failing:
        named = ", ".join(str(locate(*place)) for place in failing)
        yield Caution(
            phase=Phase.INTRODUCE,
            text=f"tests expect the certificate to fail ({named}): the successor has the same "
            "conditions,"
            " so name it there too until retire",
        )
    mentions = [
        locate(mention.path, mention.line)
        for mention in unedited_mentions(configuration, module, kind, name)
    ]
    if mentions:
        what = _files({mention.file for mention in mentions})
        yield Caution(
            phase=Phase.RETIRE,
            text=f"{what} name the certificate where tfcert edits nothing "
            f"({', '.join(map(str, mentions))}):"
            f" change these lines manually in the same commit, or the {what} fail",
        )


def _files(paths: Collection[str]) -> str:
    queries = any(".tfquery." in path for path in paths)
    tests = any(".tfquery." not in path for path in paths)
    return " and ".join(("tests",) * tests + ("query files",) * queries)


def of_units(configuration: Configuration, module: ModulePath) -> Iterator[Caution]:
    """Yield the Terragrunt units that the edit may affect too.

    These are units with an unclear source, and units that use a released copy.
    """
    unclear = sorted({str(use) for use, _ in unit_uses(configuration, module) if not use.certain})
    for phase in (*SERIES, Phase.ROLLBACK) if unclear else ():
        yield Caution(
            phase=phase,
            text=f"Terragrunt units may use this module too, by a source that tfcert cannot "
            f"resolve: {', '.join(unclear)};"
            " where they do, they take the edit with their own next apply",
        )


def of_runs(file: SourceFile, block: Block, locate: Locate) -> Iterator[Caution]:
    """Yield the effects of provisioners and action triggers in a certificate's block.

    They matter for introduce and retire.
    """
    address = ".".join(block.labels[:2])
    for run in runs(file, block):
        named = f"{locate(file.path, run.line)}: {run.what}"
        if not run.at_creation and run.block.type == "provisioner":
            yield Caution(
                phase=Phase.RETIRE,
                text=f"{named} has `when = destroy` and does not run in retire: Terraform runs it "
                "only while its block is in the"
                f" configuration. Add to this apply `removed {{ from = {address} }}` with "
                f"`lifecycle {{ destroy = true }}` and the"
                " provisioner in it (Terraform 1.9 and later), or run its command manually. Do "
                "not use `-destroy -target`: it also"
                " destroys what depends on the certificate",
            )
        if run.at_creation:
            takes = "the successor's PEM alone" if run.takes_pem else "the successor alone"
            yield Caution(
                phase=Phase.INTRODUCE,
                text=f"{named} is left out of the successor: it runs at creation, and a copy "
                f"would run in this apply with {takes},"
                " in place of the old certificate. Do manually, for both certificates, what it "
                "does",
            )
            yield Caution(
                phase=Phase.RETIRE,
                text=f"{named} is removed with its block, and the successor has none: do its work "
                "elsewhere first, such as into a terraform_data that is triggered by the PEM",
            )


def of_destroy(file: SourceFile, block: Block, locate: Locate) -> Iterator[Caution]:
    """Yield the effect of `destroy = false` in a certificate's `lifecycle`.

    Source: Terraform 1.16 reads it only while the block is there
    (internal/terraform/node_resource_plan_orphan.go); OpenTofu 1.12 keeps it in the state, as
    `skip_destroy` (internal/tofu/node_resource_plan_orphan.go).
    """
    for lifecycle in block.blocks("lifecycle"):
        destroy = lifecycle.attribute("destroy")
        if destroy is not None and destroy.value.of(file.data).strip() != b"true":
            line = locate(file.path, file.line(destroy.span.start))
            yield Caution(
                phase=Phase.RETIRE,
                text=f"{line}: with `destroy` in the lifecycle, OpenTofu may only take the "
                "certificate out of the state, and it stays in AWS: delete it there "
                "after this apply (`aws apigateway delete-client-certificate`)",
            )


def triggered(
    configuration: Configuration, phase: Phase, edited: set[str], locate: Locate
) -> Iterator[Caution]:
    """Yield the expressions that hash a file that a phase edits."""
    for found in file_hashes(configuration, sorted(edited)):
        yield Caution(
            phase=phase,
            text=f"{locate(found.path, found.line)} hashes {found.hashed}, which {phase} edits: "
            "its plan also replaces what that"
            " triggers, and publishes whatever was not deployed yet",
        )


def _beside(
    ids: tuple[Arrival, ...], consumers: tuple[Consumer, ...], locate: Locate
) -> Iterator[Caution]:
    """Yield the users of the id that do not lead to a stage of this configuration.

    The readers of those outputs and resources follow later.
    """
    moved = [
        each
        for consumer in consumers
        for each in consumer.companions
        if isinstance(each, TriggerOnPem)
    ]
    triggers = {(each.file.path, each.span) for each in moved}
    blocks = {(each.file.path, each.block.span) for each in moved}
    reported: set[str] = set()
    for arrival in ids:
        site, block = arrival.site, arrival.site.block
        outside = block.type == "output" and not site.module
        resource = (
            block.type == "resource" and len(block.labels) > 1 and block.labels[0] not in STAGES
        )
        if not outside and not resource:
            continue
        name = (
            f"{block.type} {block.labels[0]}"
            if outside
            else ".".join((*(f"module.{step}" for step in site.module), *block.labels))
        )
        what = f"{name} ({locate(site.file.path, arrival.line)})"
        if what in reported:
            continue
        reported.add(what)
        follows = "what reads it elsewhere follows with its own next apply"
        if resource and block.labels[0] in TRIGGERED and block.blocks("provisioner"):
            follows = (
                "its provisioner runs in repoint, when the stages move; if it tells a "
                "backend whom to trust, that is too late"
            )
        # An id that a provisioner takes changes nothing by itself.
        runs_no_more = "provisioner" in site.path and (site.file.path, block.span) in blocks
        yield Caution(
            phase=Phase.REPOINT,
            text=f"{what} takes the id too, and changes with it: {follows}",
            unless_both=runs_no_more or (site.file.path, arrival.traversal.span) in triggers,
        )


class ProducerWords(Struct, frozen=True, kw_only=True):
    """The source of an id as a report describes it, and the remedy."""

    what: str
    remedy: str


def describe_origins(
    configuration: Configuration, found: tuple[Origin, ...], setters: dict[str, tuple[str, ...]]
) -> ProducerWords | None:
    """Return the text for all sources of an id; None if nothing was found.

    `setters` are the var files that set each variable.
    """
    entries = {
        entry.what: entry
        for origin in found
        if (entry := _one(configuration, origin, setters)) is not None
    }
    if not entries:
        return None
    remedies = dict.fromkeys(entry.remedy for entry in entries.values())
    return ProducerWords(what=" or ".join(sorted(entries)), remedy="; ".join(remedies))


def _one(
    configuration: Configuration, origin: Origin, setters: dict[str, tuple[str, ...]]
) -> ProducerWords | None:
    match origin.producer:
        case Producer.LITERAL:
            # Keys and fallbacks such as "" are not ids.
            return (
                ProducerWords(what="a literal id", remedy="")
                if origin.plain and origin.text.isalnum()
                else None
            )
        case Producer.VARIABLE:
            files = setters.get(origin.text, ())
            given = f", which {', '.join(files)} gives" if files else ""
            return ProducerWords(
                what=f"var.{origin.text}{given}",
                remedy=f"whoever sets var.{origin.text} gives the successor's id there, once the "
                "backends trust it",
            )
        case Producer.MODULE:
            source = source_of(configuration, origin.module, origin.text)
            return ProducerWords(
                what=f"module.{origin.text} (source {source or 'not plain text'}, which is no "
                "folder here)",
                remedy=f"rotate it in the repository of {source or f'module.{origin.text}'}, and "
                "take its new version here",
            )
        case Producer.DATA:
            return _data(configuration, origin)
        case Producer.RESOURCE:
            return ProducerWords(
                what=origin.text, remedy=f"change where {origin.text} takes it from"
            )


def _data(configuration: Configuration, origin: Origin) -> ProducerWords:
    _, kind, name = (*origin.text.split("."), "")[:3]
    file, block = next(configuration.blocks(origin.module, "data", kind, name), (None, None))
    if kind == _STATE:
        where = ", ".join(
            _texts(file, block, ("bucket", "key", "name", "organization", "path", "prefix"))
        )
        return ProducerWords(
            what=f"{origin.text}, another state ({where or 'see its config'})",
            remedy=f"rotate it manually in the configuration of that state: "
            f"{_THERE_REMEDY.format('the output')}",
        )
    if kind in _PARAMETERS and file is not None and block is not None:
        named = (
            literal_string(file.data, block, "name")
            or literal_string(file.data, block, "secret_id")
            or "see its name"
        )
        return ProducerWords(
            what=f"{origin.text} ({named})",
            remedy=f"rotate it manually in the configuration that writes {named}: "
            f"{_THERE_REMEDY.format('the value')}",
        )
    return ProducerWords(what=origin.text, remedy=f"rotate it where {origin.text} is made")


def _texts(file: SourceFile | None, block: Block | None, names: tuple[str, ...]) -> Iterator[str]:
    """Yield `name = "text"` for the given names, anywhere in a block.

    `config` is an object in current HCL, and was a block before.
    """
    if file is None or block is None:
        return
    for attribute in block.body.attributes:
        for node in descendants(attribute.expression):
            key, value_ = node.child_by_field_name("key"), node.child_by_field_name("val")
            if node.type == "object_elem" and key is not None and value_ is not None:
                name = (
                    file.data[key.start_byte : key.end_byte].decode("utf-8", "replace").strip('"')
                )
                if name in names:
                    text = file.data[value_.start_byte : value_.end_byte]
                    yield f"{name} {text.decode('utf-8', 'replace')}"


_PARAMETERS = frozenset(
    {"aws_ssm_parameter", "aws_secretsmanager_secret_version", "aws_secretsmanager_secret"}
)

_STATE = "terraform_remote_state"

# No stage is recorded in the configuration that sets the id, so no patch is written there.
_THERE_REMEDY = (
    "add the successor there and apply; have every backend trust it; give its id in {} there and "
    "apply; "
    "the next apply here moves the stage; then remove the old certificate there"
)
