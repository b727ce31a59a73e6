"""Print, store or write patches."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from checker.cli import output, signals
from checker.cli.atomic_write import replace_files
from checker.cli.aws import cache_folder
from checker.cli.file_changes import write_all
from checker.cli.loaded import Loaded
from checker.cli.output_conflicts import refuse_overwriting
from checker.cli.patch_preview import RepositoryPaths, patch_text, repository_paths
from checker.cli.verify import edits_are_valid
from checker.errors import TfcertError, UnreadableError, UsageError
from checker.hcl.configuration import Configuration
from checker.hcl.grammar import set_grammar_cache
from checker.model.deadlines import late_plan
from checker.model.outcome import UNVERIFIED, Outcome
from checker.model.policy import Policy, Run
from checker.model.rotation import Blocked, Done, Next, Phase, Rotation, TakenUp, Waiting
from checker.patches.patch import Patches
from checker.patches.runbook import runbook
from checker.patches.trust_text import nothing_to_edit, trust_lines
from checker.pipeline import Observe, PatchRequest, patch
from checker.reports.escape import encoded, printable
from checker.rotation.sentences import preview_in_words, step_in_words
from checker.terraform.tool import Tool

_NAME = re.compile(r"[A-Za-z_][\w-]*")


class Request(Struct, frozen=True, kw_only=True):
    """A request from the command line: the phases, the patches' destination, and the verifier."""

    wish: PatchRequest
    out: str | None
    write: bool
    verify: Tool | None = None

    @classmethod
    def of(
        cls,
        *,
        phase: str,
        only: tuple[str, ...],
        name: str | None,
        even_if_not_due: bool,
        trust_bundle: bool,
        out: str | None,
        write: bool,
        verify: Tool | None = None,
    ) -> Request:
        """Build a request; raises UsageError for options that contradict each other."""
        if write and phase == "all":
            raise UsageError(
                "three phases cannot be written into the files at once",
                where="--write",
                remedy="one phase an apply: --phase next",
            )
        if name is not None and not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name that Terraform takes",
                where="--name",
                remedy="letters, digits, _ and -",
            )
        wish = PatchRequest(
            phase=Phase(phase) if phase in set(Phase) else None,
            every=phase == "all",
            only=frozenset(only),
            name=name,
            even_if_not_due=even_if_not_due,
            trust_bundle=trust_bundle,
        )
        return cls(wish=wish, out=out, write=write, verify=verify)


def status_lines(
    outcome: Outcome,
    patches: Patches,
    *,
    written: bool,
    back: bool,
    only: frozenset[str] = frozenset(),
    retiring: bool = False,
) -> list[str]:
    """Return a line for each rotation that is not done, with what the user must do.

    `back` and `retiring` mean that a rollback or retire was requested, `only` for which
    certificates.
    """
    lines: list[str] = []
    first = patches.patches[0].phase if patches.patches else None
    expected = patches.patches[0].expected if patches.patches else None
    for rotation in patches.rotations:
        both = any(rotation.label in entry.both for entry in patches.patches)
        match rotation.step:
            case Next(phase=phase) if phase is first and rotation.taken_up is not None:
                lines += _taken_up(
                    rotation.label, rotation.taken_up, expected or str(phase), written=written
                )
            case Next(phase=phase) if written and phase is first:
                lines.append(
                    f"{rotation.label}: {phase} is written; "
                    f"plan, `tfcert check PLAN --expect {expected}`, then apply"
                )
            case Done():
                pass
            case Blocked(remedy=remedy):
                lines += [f"{rotation.label}: {step_in_words(rotation)}", f"  what to do: {remedy}"]
            case Next() | Waiting():
                lines.append(f"{rotation.label}: {step_in_words(rotation, both=both)}")
        lines += [f"  {text}" for text in _previews(rotation, patches)]
        lines += [f"  {text}" for text in _late(rotation, outcome.cases.as_of)]
        lines += [
            f"  careful: {caution.text}" for caution in rotation.cautions if caution.phase is first
        ]
        if written and first is not None:
            lines += [f"  trust: {line}" for line in trust_lines(rotation, first, both=both)]
    lines = lines or _nothing(outcome, only, back=back, retiring=retiring)
    lines += [
        f"{finding.message}; {finding.remedy}"
        for finding in outcome.findings
        if finding.rule == UNVERIFIED
    ]
    return lines


def _late(rotation: Rotation, as_of: datetime) -> Iterator[str]:
    """Yield the steps that lose least, and their risks, if no time is left for the trust window."""
    if rotation.late is not None:
        plan = late_plan(rotation.late, as_of)
        yield plan.why
        yield from (f"{number}. {text}" for number, text in enumerate(plan.steps, 1))
        yield from (f"risk: {text}" for text in plan.risks)


def _previews(rotation: Rotation, patches: Patches) -> Iterator[str]:
    """Yield what the user must know about each written phase that is not the next step."""
    for entry in patches.patches:
        taken = any(each.label == rotation.label for each in entry.rotations)
        if taken and rotation.step != Next(entry.phase) and entry.phase is not Phase.ROLLBACK:
            yield preview_in_words(rotation, entry.phase)


def _nothing(outcome: Outcome, only: frozenset[str], *, back: bool, retiring: bool) -> list[str]:
    if back:
        return [
            (
                "nothing to roll back: no rotation is under way; "
                "a certificate that is retired cannot be made again"
            )
        ]
    if only:
        return [_alone(outcome, name) for name in sorted(only)]
    if retiring:
        return [
            (
                "nothing to retire: no rotation has come that far, "
                "and no certificate in state is left over"
            )
        ]
    return ["nothing to do: no certificate nears its end, and no rotation is under way"]


def _alone(outcome: Outcome, name: str) -> str:
    """Return why there is nothing to do for one certificate that the user named."""
    found = [
        case
        for case in outcome.cases.all
        if name in {case.id, str(case.address), str(case.address and case.address.block)}
    ]
    ends = min((case.expires_at for case in found if case.expires_at is not None), default=None)
    until = f"it ends on {ends:%Y-%m-%d}" if ends is not None else "its end is not known"
    if any(case.presented for case in found):
        return (
            f"nothing to do for {name}: {until}, which is not near; "
            "--even-if-not-due rotates it all the same"
        )
    return (
        f"nothing to do for {name}: no stage in state presents it ({until}), "
        "and it is in no rotation that is due"
    )


def _taken_up(label: str, taken_up: TakenUp, expected: str, *, written: bool) -> list[str]:
    """Return how a manually started rotation continues, once the patch is applied to the files."""
    if taken_up.applied:
        then = "this changes a comment alone: no apply follows it; ask again for the next phase"
    else:
        then = f"then plan, `tfcert check PLAN --expect {expected}`, and apply; no stage moves yet"
    return [
        f"{label}: {taken_up.guess}",
        f"  {'written' if written else 'the patch makes it certain'}: {then}",
    ]


def exit_code(outcome: Outcome, patches: Patches) -> int:
    """Return 3 if something is blocked or could not be verified, else 0."""
    stuck = any(_is_stuck(rotation) for rotation in patches.rotations)
    return 3 if stuck or outcome.unverified else 0


def _is_stuck(rotation: Rotation) -> bool:
    match rotation.step:
        case Blocked():
            return True
        case Waiting(unverified=unverified):
            return unverified
        case Next() | Done():
            return False


class PatchResult(Struct, frozen=True, kw_only=True):
    """The exit code, and whether the requested certificates exist."""

    exit_code: int
    known: bool


def deliver(
    loaded: Loaded,
    observe: Observe | None,
    request: Request,
    *,
    policy: Policy,
    as_of: datetime,
    root: str | None = None,
) -> PatchResult:
    """Write the requested patches and print the status of each rotation.

    `root` is the folder of one root module among others: it is printed above the output, and a
    module with nothing to do prints nothing.
    """
    configuration = _one(loaded)
    cache = cache_folder(os.environ)
    if cache is not None:
        set_grammar_cache(cache)
    outcome, patches = patch(
        loaded.inventory, configuration, observe, Run(as_of=as_of, policy=policy), request.wish
    )
    known = bool(patches.rotations) or _known(outcome, request.wish.only)
    if request.wish.only and not known and root is None:
        raise UsageError(
            "no such certificate in the sources",
            where="--only",
            remedy="`tfcert check` lists their addresses",
        )
    for notice in outcome.notices:
        output.warn(notice)
    if request.wish.phase is None and not request.wish.every:
        patches = _first_apply(patches)
    ground = repository_paths(configuration)
    code = exit_code(outcome, patches)
    if root is not None and not patches.rotations and not code:
        return PatchResult(exit_code=code, known=known)
    if root is not None:
        output.write(printable(f"# root module {root}").encode() + b"\n")
    if request.verify is not None and not edits_are_valid(
        configuration, patches, request.verify, ground.top
    ):
        return PatchResult(exit_code=3, known=known)
    _put(loaded, configuration, outcome, patches, request, ground)
    back = request.wish.phase is Phase.ROLLBACK
    lines = status_lines(
        outcome,
        patches,
        written=request.write,
        back=back,
        only=request.wish.only,
        retiring=request.wish.phase is Phase.RETIRE,
    )
    output.write("".join(f"# {printable(line)}\n" for line in lines).encode())
    return PatchResult(exit_code=code, known=known)


def _put(
    loaded: Loaded,
    configuration: Configuration,
    outcome: Outcome,
    patches: Patches,
    request: Request,
    ground: RepositoryPaths,
) -> None:
    if request.wish.trust_bundle:
        _warn_without_edits(loaded, patches)
    if request.write:
        _write(configuration, patches, ground.top)
    if request.out is not None:
        _store(
            Path(request.out),
            loaded,
            outcome,
            patches,
            ground,
            trust_bundle=request.wish.trust_bundle,
        )
    if not request.write and request.out is None:
        _warn_above_here(patches, ground)
        for entry in patches.patches:
            output.write(patch_text(entry, ground))


def _warn_above_here(patches: Patches, ground: RepositoryPaths) -> None:
    """Warn if `git apply` would leave edits out in silence.

    In a subfolder it skips files above that folder.
    """
    if sys.stdout.isatty():
        return
    here = Path.cwd().resolve()
    edited = [
        (ground.top / ground.prefix / change.path).resolve()
        for entry in patches.patches
        for change in entry.changes
    ]
    above = [path for path in edited if not path.is_relative_to(here)]
    if above:
        output.warn(
            f"the patch edits {os.path.relpath(above[0], here)}, outside this folder: "
            "`git apply` here leaves it out in silence; "
            "use `tfcert patch --write`, "
            'or pipe into `git -C "$(git rev-parse --show-toplevel)" apply`'
        )


def _warn_without_edits(loaded: Loaded, patches: Patches) -> None:
    """Warn if --trust-bundle finds nothing to edit, and say why."""
    declared = [
        document.declared
        for document in loaded.inventory.documents
        if document.declared is not None
    ]
    for rotation in patches.rotations:
        if isinstance(rotation.step, Blocked):
            continue
        found = next(
            (
                each
                for each in declared
                if rotation.predecessor and each.certificate(rotation.predecessor)
            ),
            None,
        )
        text = nothing_to_edit(rotation, found) if found is not None else None
        if text is not None:
            output.warn(text)


def _first_apply(patches: Patches) -> Patches:
    """Return the patch for the first apply; rotations in a later phase come after it."""
    if len(patches.patches) > 1:
        later = ", ".join(str(entry.phase) for entry in patches.patches[1:])
        output.warn(
            f"only {patches.patches[0].phase} is written, since one apply takes one phase; "
            f"apply it, then ask again for {later}"
        )
    first = patches.patches[:1]
    if first and any(
        _is_in_another_phase(rotation, first[0].phase) for rotation in patches.rotations
    ):
        output.warn(
            "the rotations are in different phases: check the plan with `--expect next`, "
            "which judges each by its own phase"
        )
        first = (replace(first[0], expect="next"),)
    return replace(patches, patches=first)


def _is_in_another_phase(rotation: Rotation, phase: Phase) -> bool:
    """Return whether the plan may include a phase of this rotation other than the written one."""
    match rotation.step:
        case Next(phase=other):
            return other is not phase
        case Waiting():
            return rotation.introduced
        case _:
            return False


def _one(loaded: Loaded) -> Configuration:
    roots = {found.root: found for found in loaded.configurations if found is not None}
    if not roots:
        path = loaded.inventory.documents[0].source.path
        raise UnreadableError(
            "no .tf files beside it", where=path, remedy="name their folder with --config"
        )
    if len(roots) > 1:
        raise UsageError(
            "the sources belong to several configurations",
            remedy="run `tfcert patch` once for each",
        )
    return next(iter(roots.values()))


def _known(outcome: Outcome, only: frozenset[str]) -> bool:
    return any(
        str(case.address) in only or str(case.address.block) in only
        for case in outcome.cases.all
        if case.address
    ) or any(case.id in only for case in outcome.cases.all)


def _store(
    out: Path,
    loaded: Loaded,
    outcome: Outcome,
    patches: Patches,
    ground: RepositoryPaths,
    *,
    trust_bundle: bool,
) -> None:
    if not patches.rotations:
        output.write(b"# no certificate is to be rotated: no runbook is written\n")
        return
    declared = next(
        document.declared
        for document in loaded.inventory.documents
        if document.declared is not None
    )
    text = runbook(
        patches.rotations,
        declared,
        outcome.cases.policy,
        as_of=outcome.cases.as_of,
        where=ground.where,
        trust_bundle=trust_bundle,
        files={
            entry.phase: os.path.relpath((out / entry.file_name).resolve(), ground.top)
            for entry in patches.patches
        },
        expected={str(entry.phase): str(entry.expected) for entry in patches.patches},
        places={
            str(stage.address): stage
            for document in loaded.inventory.documents
            for stage in document.stages
            if stage.address
        },
    )
    texts = {out / entry.file_name: patch_text(entry, ground) for entry in patches.patches}
    texts[out / "RUNBOOK.md"] = encoded(text)
    refuse_overwriting(
        texts,
        [document.source.path for document in loaded.inventory.documents],
        loaded,
        option="--out",
    )
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        replace_files(texts)
    except (OSError, TfcertError, KeyboardInterrupt) as error:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError):
            where = str(error.filename or out)
            raise UsageError(
                error.strerror or "cannot be written", where=where, remedy="check --out"
            ) from error
        raise
    for path in texts:
        output.write(f"{printable(str(path))}\n".encode())


def _write(configuration: Configuration, patches: Patches, top: Path) -> None:
    if not patches.patches:
        return
    first = patches.patches[0]
    if not first.on_disk:
        raise UsageError(
            f"{first.phase} builds on a phase that the files do not hold yet",
            where="--write",
            remedy="write and apply the phase before it first: --phase next",
        )
    safe = all(rotation.step == Next(first.phase) for rotation in first.rotations)
    for condition in () if safe else first.unmet:
        output.warn(f"warning: before {first.phase} is applied: {condition}")
    with signals.waiting():
        written = write_all(configuration.root, first.changes, within=top)
        for path in written:
            shown = (
                os.path.relpath(path.resolve(), top.resolve())
                if path.resolve().is_relative_to(top.resolve())
                else path
            )
            output.write(f"# {first.phase}: edited {printable(str(shown))}\n".encode())
    if signals.received():
        signals.tell(f"{first.phase} is written in full, files: {len(written)}")
        raise KeyboardInterrupt
