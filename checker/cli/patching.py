"""What becomes of the patches: printed, stored in a folder, or written into the files."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from checker.cli import output
from checker.cli.files import write_all
from checker.cli.reading import Loaded
from checker.domain.errors import UnreadableError, UsageError
from checker.domain.outcome import Outcome
from checker.domain.policy import Policy
from checker.domain.rotation import Blocked, Done, Next, Phase, Rotation, Waiting
from checker.domain.run import Run
from checker.domain.value import replace, value
from checker.hcl.configuration import Configuration
from checker.hcl.structure import keep_grammar_in
from checker.patches.stages import Patches, PhasePatch
from checker.patches.wording import header, runbook, told
from checker.pipeline import Observe, Wish, patch
from checker.reports.printable import printable

_NAME = re.compile(r"[A-Za-z_][\w-]*")


@value
class Request:
    """What the command line asks for: the wish, and where the patches go."""

    wish: Wish
    out: str | None
    write: bool

    @classmethod
    def of(
        cls, *, phase: str, only: tuple[str, ...], name: str | None, even_if_not_due: bool, out: str | None, write: bool
    ) -> Request:
        """Put a request together; raises UsageError for what contradicts itself."""
        if write and phase == "all":
            raise UsageError(
                "three phases cannot be written into the files at once", where="--write", remedy="one phase an apply: --phase next"
            )
        if name is not None and not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name that Terraform takes", where="--name", remedy="letters, digits, _ and -")
        wish = Wish(
            phase=Phase(phase) if phase in set(Phase) else None,
            every=phase == "all",
            only=frozenset(only),
            name=name,
            even_if_not_due=even_if_not_due,
        )
        return cls(wish=wish, out=out, write=write)


def deliver(loaded: Loaded, observe: Observe | None, request: Request, *, policy: Policy, as_of: datetime) -> int:
    """Write what is asked for and say how each rotation stands; the result is the exit code."""
    configuration = _one(loaded)
    keep_grammar_in(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfcert")
    outcome, patches = patch(loaded.inventory, configuration, observe, Run(as_of=as_of, policy=policy), request.wish)
    if request.wish.only and not patches.rotations and not _known(outcome, request.wish.only):
        raise UsageError("no such certificate in the sources", where="--only", remedy="`tfcert check` lists their addresses")
    for notice in outcome.notices:
        output.warn(notice)
    if request.wish.phase is None and not request.wish.every:
        patches = _first_apply(patches)
    top = _top(configuration)
    where = "the repository's root" if (top / ".git").exists() else "the configuration's folder"
    if request.write:
        _write(configuration, patches, top)
    if request.out is not None:
        _store(Path(request.out), loaded, outcome, patches, top, where)
    if not request.write and request.out is None:
        for entry in patches.patches:
            output.write(_patch_text(entry, configuration, top, where))
    output.write(
        "".join(
            f"# {printable(line)}\n"
            for line in _standing(outcome, patches, written=request.write, back=request.wish.phase is Phase.ROLLBACK)
        ).encode()
    )
    return _exit_code(outcome, patches)


def _first_apply(patches: Patches) -> Patches:
    """What one apply takes of what is safe now (I1): rotations in a later phase come after it."""
    if len(patches.patches) > 1:
        later = ", ".join(str(entry.phase) for entry in patches.patches[1:])
        output.warn(
            f"only {patches.patches[0].phase} is written, since one apply takes one phase; apply it, then ask again for {later}"
        )
    return replace(patches, patches=patches.patches[:1])


def _one(loaded: Loaded) -> Configuration:
    roots = {found.root: found for found in loaded.configurations if found is not None}
    if not roots:
        path = loaded.inventory.documents[0].source.path
        raise UnreadableError("no .tf files beside it", where=path, remedy="name their folder with --config")
    if len(roots) > 1:
        raise UsageError("the sources belong to several configurations", remedy="run `tfcert patch` once for each")
    return next(iter(roots.values()))


def _known(outcome: Outcome, only: frozenset[str]) -> bool:
    return any(str(case.address) in only or str(case.address.block) in only for case in outcome.cases.all if case.address) or any(
        case.id in only for case in outcome.cases.all
    )


def _top(configuration: Configuration) -> Path:
    """The folder that a patch's paths start from: the repository's root, else the configuration's folder."""
    here = Path(configuration.root).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def _patch_text(entry: PhasePatch, configuration: Configuration, top: Path, where: str) -> bytes:
    prefix = os.path.relpath(Path(configuration.root).resolve(), top).replace(os.sep, "/")
    return header(entry, where=where).encode() + entry.diff("" if prefix == "." else prefix)


def _store(out: Path, loaded: Loaded, outcome: Outcome, patches: Patches, top: Path, where: str) -> None:
    configuration = _one(loaded)
    declared = next(document.declared for document in loaded.inventory.documents if document.declared is not None)
    text = runbook(patches.rotations, declared, outcome.cases.policy, as_of=outcome.cases.as_of, where=where)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for entry in patches.patches:
            (out / entry.file_name).write_bytes(_patch_text(entry, configuration, top, where))
            output.write(f"{out / entry.file_name}\n".encode())
        (out / "RUNBOOK.md").write_text(text, encoding="utf-8")
        output.write(f"{out / 'RUNBOOK.md'}\n".encode())
    except OSError as error:
        raise UsageError(error.strerror or "cannot be written", where=str(error.filename or out), remedy="check --out") from error


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
    for condition in _unmet(first):
        output.warn(f"warning: before {first.phase} is applied: {condition}")
    for path in write_all(configuration.root, first.changes, within=top):
        output.write(f"# {first.phase}: edited {path.relative_to(top) if path.is_relative_to(top) else path}\n".encode())


def _unmet(entry: PhasePatch) -> list[str]:
    return [
        f"{condition.text} ({condition.holds})"
        for rotation in entry.rotations
        if rotation.step != Next(entry.phase)
        for condition in rotation.conditions
        if condition.phase == entry.phase
    ]


def _standing(outcome: Outcome, patches: Patches, *, written: bool, back: bool) -> list[str]:
    lines: list[str] = []
    first = patches.patches[0].phase if patches.patches else None
    for rotation in patches.rotations:
        match rotation.step:
            case Next(phase=phase) if written and phase is first:
                lines.append(f"{rotation.label}: {phase} is written; plan, `tfcert check PLAN --expect {phase}`, then apply")
            case Done():
                pass
            case Blocked(remedy=remedy):
                lines += [f"{rotation.label}: {told(rotation.step)}", f"  what to do: {remedy}"]
            case Next() | Waiting():
                lines.append(f"{rotation.label}: {told(rotation.step)}")
        lines += [f"  careful: {caution.text}" for caution in rotation.cautions if caution.phase is first]
    if not lines and back:
        lines.append("nothing to roll back: no rotation is under way; a certificate that is retired cannot be made again")
    if not lines:
        lines.append("nothing to do: no certificate nears its end, and no rotation is under way")
    lines += [f"{finding.message}; {finding.remedy}" for finding in outcome.findings if finding.rule == "certificate-unverified"]
    return lines


def _exit_code(outcome: Outcome, patches: Patches) -> int:
    stuck = any(_is_stuck(rotation) for rotation in patches.rotations)
    unverified = any(finding.rule == "certificate-unverified" for finding in outcome.findings)
    return 3 if stuck or unverified else 0


def _is_stuck(rotation: Rotation) -> bool:
    match rotation.step:
        case Blocked():
            return True
        case Waiting(unverified=unverified):
            return unverified
        case Next() | Done():
            return False
