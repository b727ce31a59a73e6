"""One run of `tfcert propose`: read the forge, judge the base branch, keep the requests current."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from checker.cli import output
from checker.cli.aws import cache_folder
from checker.cli.load import load, read_root_modules
from checker.cli.proposals.base_folders import BaseFolders
from checker.cli.proposals.base_text import base_folders, changed_modes
from checker.cli.proposals.judge import (
    GroupPatch,
    Judge,
    certificate_names,
    group_patches,
    policy_of,
    status_lines,
)
from checker.errors import TfcertError, UsageError
from checker.forges.proposals.dashboard import keep_dashboard
from checker.forges.proposals.decide import (
    Existing,
    Left,
    Limits,
    RequestGroup,
    decide,
)
from checker.forges.proposals.execute import Executor, RequestResult, WantedRequest
from checker.forges.proposals.forge import (
    BaseTree,
    ForgeRequest,
    NewFile,
    People,
    ProposalForge,
    touched,
)
from checker.forges.proposals.marker import OLDEST_DAYS, PREFIX
from checker.git import find_repository
from checker.hcl.grammar import set_grammar_cache
from checker.model.policy import Grouping, Run
from checker.model.rotation import Done
from checker.patches.runbook import pem_commands
from checker.patches.trust_text import trust_lines
from checker.pipeline import Loaded, Observe
from checker.reports.dashboard import TITLE, DashboardRow, dashboard
from checker.reports.escape import printable
from checker.reports.proposal import Proposal, ProposedRotation, body, title
from checker.terraform.tool import Wanted

# The hidden marker in the last line of a text.
_MARKER_ROOM = 8_000


class ProposeOptions(Struct, frozen=True, kw_only=True):
    """The options of a run; None for one that the policy decides.

    `sources` are folders. `key` tells the requests of several jobs apart.
    """

    sources: tuple[str, ...]
    recursive: bool
    base: str | None
    key: str
    group: Grouping | None
    limit: int
    open_limit: int
    people: People
    draft: bool
    reopen: bool
    dashboard: bool = False


class ProposeResult(Struct, frozen=True, kw_only=True):
    """What a run did, what it left alone, and its exit code."""

    results: tuple[RequestResult, ...]
    left: tuple[Left, ...]
    lines: tuple[str, ...]
    exit_code: int


def propose(
    forge: ProposalForge,
    options: ProposeOptions,
    observe: Observe | None,
    run: Run,
    *,
    tool: Wanted,
) -> ProposeResult:
    """Bring the requests of a repository up to date; raises TfcertError if the forge fails.

    The requests are listed before the base is read: a request that is merged in between is seen as
    open, and its change is seen in the base, so it is never opened a second time.
    """
    top = _checkout(options.sources)
    cache = cache_folder(os.environ)
    if cache is not None:
        set_grammar_cache(cache)
    viewer = forge.viewer()
    caution = forge.caution(viewer)
    if caution is not None:
        output.warn(f"warning: {caution}")
    project = forge.project()
    every = forge.open_requests()
    requests = touched(every, PREFIX)
    base = forge.base_tree(options.base or project.default_branch)
    with base_folders(top, base, forge.blob) as folders:
        judge = Judge(observe, run, group=options.group, base=folders.folder)
        _read(judge, options, run, tool, folders)
        known = {each.number for each in every}
        return _kept(forge, options, judge, run, base, requests, viewer, known)


def _checkout(sources: Sequence[str]) -> Path:
    tops = {find_repository(Path(source).resolve()) for source in sources}
    if len(tops) != 1 or None in tops:
        raise UsageError(
            "the folders are not in one repository",
            where=", ".join(sources),
            remedy="run it in a checkout of the repository",
        )
    (top,) = tops
    assert top is not None  # noqa: S101 -- for the type
    return top


def _read(
    judge: Judge, options: ProposeOptions, run: Run, tool: Wanted, folders: BaseFolders
) -> None:
    if options.recursive:
        tree = read_root_modules(
            options.sources, config=None, tool=tool, tags=run.policy.tags, base=folders
        )
        judge.read(tree.read)
        judge.failed += [(each.path, f"{each.reason} ({each.remedy})") for each in tree.unread]
        return
    found: list[tuple[str, Loaded]] = []
    for source in options.sources:
        if not Path(source).is_dir():
            raise UsageError(
                "not a folder", where=source, remedy="propose takes the folders of root modules"
            )
        loaded = load((source,), config=source, tool=tool, tags=run.policy.tags, base=folders)
        found.append((source, loaded))
    judge.read(found)


def _kept(
    forge: ProposalForge,
    options: ProposeOptions,
    judge: Judge,
    run: Run,
    base: BaseTree,
    requests: Sequence[ForgeRequest],
    viewer: str | None,
    known: set[int],
) -> ProposeResult:
    def closed() -> Sequence[ForgeRequest]:
        found = forge.closed_requests(run.as_of - timedelta(days=OLDEST_DAYS))
        known.update(each.number for each in found)
        return touched(found, PREFIX)

    decision = decide(
        judge.judged(),
        [Existing(request=each, branch=forge.branch(each.branch, base)) for each in requests],
        closed,
        key=options.key,
        base=base.branch,
        viewer=viewer,
        limits=Limits(new=options.limit, open=options.open_limit),
        reopen=options.reopen,
    )
    wanted: list[WantedRequest] = []
    refused: list[Left] = []
    for group in decision.groups:
        try:
            wanted.append(_wanted(group, judge, options, run, base, forge.text_limit))
        except TfcertError as error:
            names = ", ".join(each.label for each in group.members)
            refused.append(Left(what=f"{names}: {group.phase}", reason=str(error), blocked=True))
    results = Executor(forge, base, key=options.key, viewer=viewer, known=known).run(
        decision.closings, wanted, decision.left
    )
    left = (*(each for each in decision.left if not each.persons), *refused)
    if options.dashboard:
        rows = dashboard_rows(judge, results, decision.left)
        text = dashboard(
            rows, [name for name, _ in judge.failed], limit=forge.text_limit - _MARKER_ROOM
        )
        results = (
            *results,
            keep_dashboard(forge, key=options.key, title=TITLE, text=text, viewer=viewer),
        )
    failed = any(each.failed for each in results)
    stuck = judge.stuck or bool(refused) or any(each.blocked for each in results)
    for each in decision.left:
        if each.overdue:
            output.warn(
                f"warning: {each.what}: its deadline has passed, and a person's decision stops "
                f"it: {each.reason}"
            )
    return ProposeResult(
        results=results,
        left=left,
        lines=tuple(status_lines(judge)),
        exit_code=2 if failed else 3 if stuck else 0,
    )


def _wanted(
    group: RequestGroup,
    judge: Judge,
    options: ProposeOptions,
    run: Run,
    base: BaseTree,
    limit: int,
) -> WantedRequest:
    patches = group_patches(group, judge.roots)
    changes = {path: change for each in patches for path, change in each.changes.items()}
    modes = changed_modes(base, changes)
    proposal = _proposal(group, patches, run.as_of)
    settings = [
        judge.settings(each.root, rotation) for each in patches for rotation in each.patch.rotations
    ]
    return WantedRequest(
        group=group,
        title=title(proposal),
        text=_commit_text(proposal),
        body=body(proposal, limit=limit - _MARKER_ROOM),
        files=tuple(
            NewFile(path=path, mode=modes[path], data=after, exists=path in base.files)
            for path, (_, after) in sorted(changes.items())
        ),
        people=People(
            labels=_merged(options.people.labels, (name for s in settings for name in s.labels)),
            assignees=options.people.assignees,
            reviewers=_merged(
                options.people.reviewers, (name for s in settings for name in s.reviewers)
            ),
        ),
        draft=options.draft,
    )


def dashboard_rows(
    judge: Judge, results: Sequence[RequestResult], left: Sequence[Left]
) -> tuple[DashboardRow, ...]:
    """Return a row for each rotation that is not done, the one that ends first before others."""
    names: dict[str, str] = {}
    for each in left:
        marker = each.request.marker if each.request is not None else None
        if each.request is not None and marker is not None:
            names |= dict.fromkeys(marker.certificates, each.request.name)
    for result in results:
        if result.group is not None and result.request is not None:
            names |= dict.fromkeys(result.group.certificates, result.request.name)
    found = [
        DashboardRow(
            rotation=rotation,
            root=root.folder,
            request=next(
                (
                    names[each]
                    for each in certificate_names(root.outcome, rotation)
                    if each in names
                ),
                "",
            ),
        )
        for root in judge.roots
        for rotation in root.patches.rotations
        if not isinstance(rotation.step, Done)
    ]
    never = datetime.max.replace(tzinfo=UTC)
    return tuple(
        sorted(found, key=lambda row: (row.rotation.end or never, row.root, row.rotation.label))
    )


def _merged(given: Sequence[str], policy: Iterator[str]) -> tuple[str, ...]:
    """Return the names of the command line; without any, those of the policy."""
    return tuple(dict.fromkeys(given or policy))


def _proposal(group: RequestGroup, patches: Sequence[GroupPatch], as_of: datetime) -> Proposal:
    order = {(each.root, each.label): number for number, each in enumerate(group.members)}
    shown = sorted(
        (
            (order[each.root.name, rotation.label], each, rotation)
            for each in patches
            for rotation in each.patch.rotations
        ),
        key=lambda entry: entry[0],
    )
    mixed = any(each.root.mixed for each in patches)
    return Proposal(
        phase=group.phase,
        rotations=tuple(
            ProposedRotation(
                rotation=rotation,
                root=each.root.folder,
                pem=pem_commands(rotation),
                trust=trust_lines(rotation, group.phase, both=False),
            )
            for _, each, rotation in shown
        ),
        expected="next" if mixed else str(group.phase),
        as_of=as_of,
        applies=policy_of(patches[0].root).applies,
        comments_only=all(each.patch.comments_only for each in patches),
    )


def _commit_text(proposal: Proposal) -> str:
    names = "\n".join(
        f"- {each.rotation.label}{f' in {each.root}' if each.root else ''}"
        for each in proposal.rotations[:50]
    )
    return (
        f"This is what `tfcert patch --phase next` writes for:\n{names}\n\n"
        f"Plan, `tfcert check PLAN --expect {proposal.expected}`, then apply."
    )


def show(result: ProposeResult) -> None:
    """Print a line for each request and rotation."""
    lines = [
        f"{each.what}: {each.did}{f' ({each.request.url})' if each.request else ''}"
        for each in result.results
    ]
    lines += [f"{each.what}: not touched: {each.reason}" for each in result.left]
    lines += result.lines
    output.write(
        "".join(f"{printable(line)}\n" for line in lines or ["nothing to propose"]).encode()
    )
