"""Find the reasons why an edit is unsafe."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checker.git import find_repository
from checker.hcl.configuration import Configuration, ModulePath, read_foreign
from checker.hcl.file_hashes import file_hashes
from checker.hcl.flow import POINTER, Flow, other_callers
from checker.hcl.generated import generated
from checker.hcl.json_advice import Rotated, concerns, json_edit
from checker.hcl.references import Reference, ReferenceUse
from checker.hcl.syntax import Attribute, Block, SourceFile, parses, traversals
from checker.hcl.terragrunt import Terragrunt, UnitUse, terragrunt_of


@dataclass(frozen=True, slots=True, kw_only=True)
class EditObstacle:
    """A reason against an edit, the remedy, and the location.

    The default line, 1, is used for a whole file.
    """

    reason: str
    remedy: str
    path: str
    line: int = 1


_NAMED = 5


def shared_module_obstacle(
    configuration: Configuration, module: ModulePath, file: SourceFile
) -> Iterator[EditObstacle]:
    """Yield an obstacle if an edit of the certificate's module affects other calls too."""
    yield from _by_units(configuration, module, file)
    if not module:
        return
    directory = configuration.modules[module].directory
    calls = [path for path, other in configuration.modules.items() if other.directory == directory]
    top = find_repository(Path(configuration.root).resolve())
    inside = top is not None and Path(configuration.root, directory).resolve().is_relative_to(top)
    if directory.startswith("..") and not inside:
        yield EditObstacle(
            reason=f"the certificate is declared in {directory},"
            " outside this root module, so other configurations may call it too",
            remedy="rotate it manually, one module after the other, as the runbook describes; in "
            "a git repository tfcert finds the other callers",
            path=file.path,
        )
    above = dict.fromkeys(
        configuration.modules[module[:end]].directory for end in range(1, len(module) + 1)
    )
    others = tuple(caller for each in above for caller in other_callers(configuration, each))
    if others:
        named = _named(others)
        yield EditObstacle(
            reason=f"the certificate is declared in {directory}, which"
            f" other configurations of the repository call too: {named}",
            remedy="their next apply includes this phase, or several phases at once: give this "
            "root module its own copy of the module, or rotate manually and apply each phase in "
            "all of them before the next",
            path=file.path,
        )
    if len(calls) > 1:
        names = ", ".join(sorted("module." + ".module.".join(path) for path in calls))
        yield EditObstacle(
            reason=f"the certificate is declared in {directory},"
            f" which is called more than once: {names}",
            remedy="all calls would rotate at once: rotate manually, or give each call its own "
            "copy of the module",
            path=file.path,
        )


def _by_units(
    configuration: Configuration, module: ModulePath, file: SourceFile
) -> Iterator[EditObstacle]:
    """Yield an obstacle if several Terragrunt units run the text.

    That is two units of the root module, or one unit of a module that it calls.
    """
    certain = [use for use, most in unit_uses(configuration, module) if use.certain and most]
    if certain:
        yield EditObstacle(
            reason="several Terragrunt units run the text that"
            f" declares the certificate: {_named(certain)}",
            remedy="the next apply of each unit includes the edit: rotate manually and apply "
            "each phase in every unit before the next, or give one unit its own copy of the "
            "module",
            path=file.path,
        )


def unit_uses(configuration: Configuration, module: ModulePath) -> Iterator[tuple[UnitUse, bool]]:
    """Yield every Terragrunt unit that runs a module on the way to a certificate.

    The second value is True if the unit shares the module's text with another configuration. One
    unit may run the root module: it is how this configuration is run.
    """
    terragrunt = _terragrunt(configuration)
    if terragrunt is None:
        return
    for depth in range(len(module) + 1):
        directory = (
            Path(configuration.root, configuration.modules[module[:depth]].directory)
            .resolve()
            .as_posix()
        )
        uses = terragrunt.uses(directory)
        most = depth > 0 or sum(use.certain for use in uses) > 1
        yield from ((use, most) for use in uses)


def _terragrunt(configuration: Configuration) -> Terragrunt | None:
    known = configuration.terragrunt
    if not known:
        known.append(terragrunt_of(configuration.root))
    return known[0]


def _named(found: Sequence[object]) -> str:
    return ", ".join(map(str, found[:_NAMED])) + (
        f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    )


_OVERRIDE = re.compile(r"(?:^|[/_])override\.(?:tf|tofu)(?:\.json)?$")
# An address in quotes; matches may overlap, as one's last quote may be the next one's first.
_QUOTED = re.compile(rb'"(?=([^"\[.\n]+\.[^"\[.\n]+)["\[.])')
_DEPLOYMENTS = {("aws_api_gateway_deployment",), ("aws_apigatewayv2_deployment",)}


def certificate_obstacles(
    configuration: Configuration, module: ModulePath, block: Block, file: SourceFile, flow: Flow
) -> Iterator[EditObstacle]:
    """Yield every obstacle to rotating the certificate that a block declares."""
    kind, name = block.labels[:2]
    yield from flow_obstacles(configuration, module, (kind, name), file, flow)
    yield from _references(flow)
    yield from _quoted(configuration, module, f"{kind}.{name}")
    yield from _keys(flow)
    yield from _generated(configuration, file, flow)
    edited = {file.path, *(reference.site.file.path for reference in flow.references)}
    yield from hash_obstacles(configuration, edited)


def flow_obstacles(
    configuration: Configuration, module: ModulePath, what: Rotated, file: SourceFile, flow: Flow
) -> Iterator[EditObstacle]:
    """Yield every obstacle on the way from a module to the stages of a flow.

    `what` is the certificate that is rotated, or a literal id.
    """
    modules = sorted(
        {module, *(stage[0] for stage in flow.stages), *(site.module for site in flow.sites)}
    )
    for path in modules:
        yield from _foreign(configuration, path, flow, what)
        yield from _unreadable(configuration, path, what)
    yield from _twins(configuration, modules, file, flow)
    yield from shared_module_obstacle(configuration, module, file)
    yield from _ignored(configuration, flow)


def _foreign(
    configuration: Configuration, module: ModulePath, flow: Flow, what: Rotated
) -> Iterator[EditObstacle]:
    twins = configuration.twins(module)
    for path in configuration.modules[module].foreign:
        data = read_foreign(configuration, path)
        at = data.find(b"client_certificate")
        if at >= 0 and (not path.endswith(".json") or concerns(data, what)):
            yield EditObstacle(
                reason=f"{path} mentions client certificates{_read_by(path, twins)},"
                " and tfcert does not edit JSON, override or .tofu files",
                remedy=json_edit(path, data, what)
                or "make the same change there manually: first the new"
                " certificate, then the references, then the removal",
                path=path,
                line=data.count(b"\n", 0, at) + 1,
            )
        elif _OVERRIDE.search(path) and any(
            kind.encode() in data and name.encode() in data
            for where, kind, name in flow.stages
            if where == module
        ):
            yield EditObstacle(
                reason=f"{path} overrides a stage that the certificate's"
                " id reaches, and tfcert does not follow overrides",
                remedy="move its settings into the stage's own"
                " block, then run tfcert again; or rotate manually",
                path=path,
            )


def _read_by(path: str, twins: Mapping[str, str]) -> str:
    """Return which tool reads a file that only one of Terraform and OpenTofu reads."""
    if path in twins:
        return f" (only terraform reads it: OpenTofu reads {twins[path]} instead)"
    if not path.endswith((".tofu", ".tofu.json")):
        return ""
    plain = next((plain for plain, tofu in twins.items() if tofu == path), None)
    return f" (only OpenTofu reads it{f', instead of {plain}' if plain is not None else ''})"


def _twins(
    configuration: Configuration, modules: Sequence[ModulePath], file: SourceFile, flow: Flow
) -> Iterator[EditObstacle]:
    """Yield the rotation's files that OpenTofu replaces by a .tofu file of the same name.

    An edit of such a file does nothing for one of the tools.
    """
    twins = {
        plain: tofu
        for path in configuration.modules
        for plain, tofu in configuration.twins(path).items()
    }
    if not twins:
        return
    touched = {
        file.path,
        *(
            place.file.path
            for place in (*flow.sites, *(reference.site for reference in flow.references))
        ),
    }
    for path, kind, name in flow.stages:
        touched |= {each.path for each, _ in configuration.blocks(path, "resource", kind, name)}
    for path in modules:
        for depth in range(len(path)):
            touched |= {
                each.path for each, _ in configuration.blocks(path[:depth], "module", path[depth])
            }
    for plain, tofu in sorted(twins.items()):
        # A .tofu file that mentions client certificates is already reported.
        if plain in touched and b"client_certificate" not in read_foreign(configuration, tofu):
            yield EditObstacle(
                reason=f"OpenTofu reads {tofu} instead of {plain}, and terraform reads"
                f" {plain} alone: a patch of {plain} would change nothing for OpenTofu",
                remedy="if only one of the tools is used, delete the file that it does"
                f" not read; otherwise move the blocks of the rotation from {plain} to"
                " a file without a .tofu file of the same name, then run tfcert again",
                path=plain,
            )


def _unreadable(
    configuration: Configuration, module: ModulePath, what: Rotated
) -> Iterator[EditObstacle]:
    # Other files contain a certificate's name too; every reference contains its type.
    word = what if isinstance(what, str) else what[0]
    key = ("unreadable", module, word)
    if key not in configuration.memo:
        configuration.memo[key] = tuple(_unparsed(configuration, module, word))
    yield from configuration.memo[key]


def _unparsed(
    configuration: Configuration, module: ModulePath, word: str
) -> Iterator[EditObstacle]:
    for file in configuration.in_module(module):
        if (
            b"client_certificate" in file.data or word.encode() in file.data
        ) and file.fault is not None:
            yield EditObstacle(
                reason=f"{file.path} cannot be parsed (line {file.fault.line}:"
                f" {file.fault.reason}), and it mentions the certificate",
                remedy="fix the error that `terraform validate` reports",
                path=file.path,
                line=file.fault.line,
            )


def _references(flow: Flow) -> Iterator[EditObstacle]:
    for reference in flow.references:
        site = reference.site
        if reference.use is ReferenceUse.WHOLE:
            yield EditObstacle(
                reason=f"{site.block.type} {'.'.join(site.block.labels)}"
                " takes the whole certificate, not its id or its PEM alone",
                remedy="write the attribute (.id or .pem_encoded_certificate) in each place, "
                "then run tfcert again",
                path=site.file.path,
                line=reference.line,
            )
        if site.block.labels[:1] in _DEPLOYMENTS and site.path[0] == "triggers":
            yield EditObstacle(
                reason=f"{'.'.join(site.block.labels)} is triggered by the"
                " certificate: a rotation would publish a new deployment",
                remedy="remove the certificate from the triggers in a separate apply, then run "
                "tfcert again",
                path=site.file.path,
                line=reference.line,
            )
        if site.block.type == "moved" and site.path == ("from",) and _takes_away(reference, flow):
            yield EditObstacle(
                reason="a moved block renames the certificate, and the block of the old name "
                "still exists",
                remedy="Terraform refuses both together: remove the moved block or the "
                "certificate's block, then run tfcert again",
                path=site.file.path,
                line=reference.line,
            )
        if site.block.type == "removed":
            yield EditObstacle(
                reason="a removed block names the certificate, and the certificate's block still "
                "exists",
                remedy="Terraform refuses both together: delete the removed block, then run "
                "tfcert again",
                path=site.file.path,
                line=reference.line,
            )


def _takes_away(reference: Reference, flow: Flow) -> bool:
    """Return whether a move leads to another resource.

    A move between the certificate's own instances, or of one instance, rotates nothing. Terraform
    refuses a move away from a block that is still declared
    (https://developer.hashicorp.com/terraform/language/moved).
    """
    own = any(
        other.site.block.span == reference.site.block.span
        and other.site.file.path == reference.site.file.path
        for other in flow.references
        if other.site.path == ("to",)
    )
    return not own and not any(step.name is None for step in reference.traversal.steps[-1:])


def _generated(
    configuration: Configuration, file: SourceFile, flow: Flow
) -> Iterator[EditObstacle]:
    """Yield the files of a rotation that another program writes."""
    files = {
        file.path: file,
        **{reference.site.file.path: reference.site.file for reference in flow.references},
    }
    for path, each in sorted(files.items()):
        found = generated(each, Path(configuration.root, path).resolve().as_posix())
        if found is not None:
            yield EditObstacle(
                reason=f"{path} is written by {found.by}, which overwrites any edit the next time "
                "it runs",
                remedy=found.remedy,
                path=path,
            )


def _keys(flow: Flow) -> Iterator[EditObstacle]:
    for site in flow.keys:
        yield EditObstacle(
            reason="the certificate's id becomes a key of for_each"
            f" ({site.path[-1]}): another id would replace the instance with that key",
            remedy="give for_each keys that do not change, such as names, with the id as the "
            "value; move the instances with moved blocks",
            path=site.file.path,
            line=site.line,
        )


def _quoted(
    configuration: Configuration, module: ModulePath, reference: str
) -> Iterator[EditObstacle]:
    key = ("quoted", module)
    if key not in configuration.memo:
        configuration.memo[key] = _quoted_by_address(configuration, module)
    found: Mapping[bytes, Mapping[str, int]] = configuration.memo[key]
    for path, line in found.get(reference.encode(), {}).items():
        yield EditObstacle(
            reason=f"the certificate's address is in quotes in {path}, as Terraform 0.11 wrote it",
            remedy=f"write {reference} without quotes there, then run tfcert again",
            path=path,
            line=line,
        )


def _quoted_by_address(
    configuration: Configuration, module: ModulePath
) -> Mapping[bytes, Mapping[str, int]]:
    """Return each certificate's address in quotes: its files, and the first line in each.

    A search of all files for every certificate would take the square of their number.
    """
    addresses: dict[bytes, dict[str, int]] = {}
    for file in configuration.in_module(module, b"client_certificate"):
        comments = file.body.comments if parses(file) else ()
        for quote in _QUOTED.finditer(file.data):
            at = bisect_right(comments, quote.start(), key=lambda comment: comment.start) - 1
            if at < 0 or comments[at].end <= quote.start():
                addresses.setdefault(quote[1], {}).setdefault(file.path, file.line(quote.start()))
    return addresses


def _ignored(configuration: Configuration, flow: Flow) -> Iterator[EditObstacle]:
    for module, kind, name in sorted(flow.stages):
        for file, block in configuration.blocks(module, "resource", kind, name):
            ignored = ignored_pointer(file, block)
            if ignored is not None:
                yield EditObstacle(
                    reason=f"{kind}.{name} ignores changes of"
                    f" {POINTER}, so a repoint would do nothing",
                    remedy=f"list the attributes in ignore_changes, without {POINTER}, or move "
                    "the stage manually"
                    if b"all" in ignored.value.of(file.data).strip(b'[]" \t')[:3]
                    else f"take {POINTER} out of its ignore_changes, or move the stage manually",
                    path=file.path,
                    line=file.line(ignored.span.start),
                )


def ignored_pointer(file: SourceFile, block: Block) -> Attribute | None:
    """Return the `ignore_changes` of a stage that covers its certificate; None without one."""
    for lifecycle in block.blocks("lifecycle"):
        ignored = lifecycle.attribute("ignore_changes")
        if ignored is None:
            continue
        text = ignored.value.of(file.data).decode("utf-8", "replace")
        names = {traversal.root for traversal in traversals(ignored.expression, file.data)}
        if names & {POINTER, "all"} or f'"{POINTER}"' in text or '"all"' in text:
            return ignored
    return None


def hash_obstacles(configuration: Configuration, edited: set[str]) -> Iterator[EditObstacle]:
    """Yield the places that hash all .tf files, and so any edit.

    If only one file is hashed, `checker.patches.introduce` writes a new file beside it.
    """
    for found in file_hashes(configuration, edited):
        if found.hashed is None:
            yield EditObstacle(
                reason=f"{found.path} hashes every .tf file, and the rotation edits one: that "
                "would publish a new deployment",
                remedy="make the trigger depend on the resources"
                " rather than on the files, then run tfcert again",
                path=found.path,
                line=found.line,
            )
