"""The next step of one rotation, derived only from configuration, state and AWS (I6)."""

from __future__ import annotations

from checker.analysis.succession import Guess
from checker.model.address import Address
from checker.model.cases import Case, Evidence
from checker.model.configuration import DeclaredCertificate, UnreadLineage
from checker.model.deadlines import moment
from checker.model.observation import Unanswered
from checker.model.rotation import Blocked, Done, Next, Phase, Step, Waiting
from checker.rotation.missing_block import forgotten, undeclared
from checker.rotation.state import RotationState, _not_reached, age, unseen_presenters, window_end


def next_step(  # noqa: PLR0911 -- one return for each place at which a rotation can stand
    standing: RotationState, successor: Address, contested: tuple[DeclaredCertificate, ...] = ()
) -> Step:
    """Return the phase that is safe now (I2), or what must happen first, or why it is blocked."""
    tainted = next(
        (
            case.address
            for case in (*standing.own, *standing.successor_cases)
            if case.certificate.tainted
        ),
        None,
    )
    if tainted is not None:
        return Blocked(
            f"{tainted} is tainted: the next apply replaces it, and moves the stages that present "
            "it in the same apply",
            f"`terraform untaint '{tainted}'`, then ask again",
        )
    if contested:
        return _contested(standing, contested)
    if standing.successor is None:
        return _introduce(standing, successor)
    if standing.guess is not None:
        return _take_up(standing, standing.guess)
    if (
        standing.successor.block == standing.block
        or standing.successor.block.type != standing.block.type
    ):
        return Blocked(
            f"the comment above {standing.successor.block} ({standing.successor.location}) says "
            f"that it succeeds {standing.block}",
            "mend or remove the comment: a certificate succeeds another one of the same type",
        )
    if standing.unfit is not None and standing.presenters:
        return _sooner(standing, standing.unfit)
    if standing.declaration is not None and standing.declaration.pointers:
        return _repoint(standing, standing.successor, standing.declaration)
    return _retire(standing, standing.successor)


def _contested(standing: RotationState, contested: tuple[DeclaredCertificate, ...]) -> Blocked:
    """Return which certificate to keep where several claim to succeed the same one.

    It is the only one in state, else the one in state that ends last. The others are left over.
    """
    names = ", ".join(str(other.block) for other in contested)
    there = {each.block: standing.document.of_block(each.block) for each in contested}
    dated = [
        (end, each)
        for each in contested
        if (
            end := min(
                (case.expires_at for case in there[each.block] if case.expires_at is not None),
                default=None,
            )
        )
        is not None
    ]
    applied = [each for each in contested if there[each.block]]
    keep = max(dated, key=lambda pair: pair[0])[1] if dated else applied[0] if applied else None
    if keep is None:
        return Blocked(
            f"more than one certificate claims to succeed it: {names}; none of them is in state",
            "keep one of their blocks and its `# tfcert: succeeds` comment, and remove the others "
            "before anything is applied",
        )
    why = "the only one in state" if len(applied) == 1 else "the one that ends last"
    others = [each for each in contested if each.block != keep.block]
    left = "; ".join(
        f"{each.block.in_module} ({each.location}) is left over: remove its block"
        + (", in an apply of its own" if there[each.block] else " before anything is applied")
        for each in others
    )
    return Blocked(
        f"more than one certificate claims to succeed it: {names}",
        f"keep {keep.block.in_module} ({keep.location}), {why}; {left}",
    )


def _take_up(  # noqa: PLR0911 -- one return for each reason why it is not taken up
    standing: RotationState, guess: Guess
) -> Step:
    """Return the step for a successor that a user wrote without the lineage comment."""
    names = " and ".join(f"{each.block} ({each.location})" for each in guess.several)
    if guess.several:
        return Blocked(
            f"{names} may each be its successor, and no comment says which",
            f"write `# tfcert: succeeds {standing.block.in_module}` above the one that is",
        )
    declaration = standing.declaration
    if declaration is None:
        found = undeclared(standing)
        if isinstance(found, Blocked):
            return Blocked(f"{found.reason}; {guess.text}", found.remedy)
        return found
    unread = next(
        (each for each in standing.declared.unread_lineage if _may_concern(standing, each)), None
    )
    if unread is not None:
        return Blocked(f"{unread.reason} ({unread.location})", unread.remedy)
    if standing.unfit is not None:
        return Blocked(
            f"its stages would move to a certificate that lasts no longer: {standing.unfit}",
            f"let them refer to {standing.block.in_module}.id again, then ask again: a fresh "
            "successor is introduced",
        )
    gone = next((case.address for case in standing.own if case.evidence is Evidence.GONE), None)
    if gone is not None and guess.moved and not guess.applied:
        return Blocked(
            "AWS does not know it any more, and the next apply makes its successor and moves the "
            f"stages at once; {guess.text}",
            f"first `terraform apply -target='{guess.successor.block}'`, which makes it alone; "
            "give its PEM to the backends; then apply the rest",
        )
    others = guess.successor.stages - {
        stage.address.block for stage in standing.presenters if stage.address is not None
    }
    if guess.moved and not guess.applied and others:
        return Blocked(
            f"{', '.join(sorted(map(str, others)))} takes its id from {guess.successor.block} too, "
            f"which is not made yet; {guess.text}",
            f"apply {guess.successor.block} alone first (`terraform apply "
            f"-target='{guess.successor.block}'`), have every backend trust it, then apply the "
            "rest",
        )
    if not guess.moved and not guess.applied and guess.successor.stages:
        return Blocked(
            f"{', '.join(sorted(map(str, guess.successor.stages)))} may take its id from either "
            f"certificate; {guess.text}",
            f"let it take its id from {standing.block.in_module} alone until "
            f"{guess.successor.block} is applied and trusted",
        )
    for obstacle in guess.successor.obstacles if guess.moved and not guess.applied else ():
        where = f" ({obstacle.location})" if obstacle.location is not None else ""
        return Blocked(f"{obstacle.reason}{where}", obstacle.remedy)
    return _hashing(standing, guess) or _hindered(standing, declaration) or Next(Phase.INTRODUCE)


def _hashing(standing: RotationState, guess: Guess) -> Blocked | None:
    """Return why tfcert does not write the comment above a successor that is already applied.

    The edit would change a hashed file, and so trigger a new deployment. None where stages already
    move to the successor, where it is not applied, or where no hash covers the file.
    """
    own = guess.successor.location.file
    hashed = next(
        (each for each in standing.declared.hashes if each.file is None or each.file == own), None
    )
    if hashed is None or guess.moved or not guess.applied:
        return None
    return Blocked(
        f"{hashed.file or 'every file'} is hashed ({hashed.place}), so the comment that makes it "
        f"certain would publish a new deployment; {guess.text}",
        f"write `# tfcert: succeeds {standing.block.in_module}` above "
        f"{guess.successor.block.in_module} manually, when a deployment may run",
    )


def _sooner(standing: RotationState, why: str) -> Step:
    """Return the step where the stages would move to a certificate that lasts no longer.

    The stages stay at the predecessor, and a fresh successor is introduced.
    """
    moved = standing.declaration is not None and not standing.declaration.pointers
    return Blocked(
        f"its stages would move to a certificate that lasts no longer: {why}",
        "do not apply it: `tfcert patch --phase rollback` points them back; then `tfcert patch` "
        "introduces a fresh successor"
        if moved
        else f"let them refer to {standing.block.in_module}.id again, then ask again: a fresh "
        "successor is introduced",
    )


def removal(standing: RotationState) -> Step:
    """Return the step for a left-over certificate.

    It can be removed only when AWS shows no stage that presents it.
    """
    declaration = standing.declaration
    where = f" ({declaration.location})" if declaration is not None else ""
    why = (
        f"is succeeded by {standing.successor.block}"
        if standing.successor is not None
        else "has ended"
    )
    unseen = unseen_presenters(standing)
    said = f"its block{where} is left over: it {why}, and no stage in state presents it"
    match unseen:
        case Waiting(reason=reason, unverified=unverified):
            return Waiting(
                f"{said}; to retire it AWS has to be asked: {reason}", unverified=unverified
            )
        case Blocked(reason=reason, remedy=remedy):
            return Blocked(f"{said}; {reason}", remedy)
        case _:
            return (_hindered(standing, declaration) if declaration is not None else None) or Next(
                Phase.RETIRE
            )


def _introduce(standing: RotationState, successor: Address) -> Step:
    declaration = standing.declaration
    if declaration is None:
        return undeclared(standing)
    gone = next((case.address for case in standing.own if case.evidence is Evidence.GONE), None)
    if gone is not None:
        return Blocked(
            "AWS does not know it any more: whatever is applied next makes it anew, and moves the "
            "stages to it at once",
            f"first `terraform apply -target='{gone}'`, which makes it alone; give its PEM to the "
            "backends; then apply the rest",
        )
    unread = next(
        (each for each in standing.declared.unread_lineage if _may_concern(standing, each)), None
    )
    if unread is not None:
        return Blocked(
            f"{unread.reason} ({unread.location}): a second successor is not introduced beside it",
            unread.remedy,
        )
    taken = standing.declared.certificate(successor)
    if taken is not None:
        return Blocked(
            f"the name {successor} is taken by another block ({taken.location}), which no stage in "
            "state presents"
            if not taken.stages
            else f"the name {successor} is taken by another block ({taken.location})",
            f"choose one with --name; or write `# tfcert: succeeds {standing.block.in_module}` "
            "above it if it is meant to be the successor"
            if not taken.stages
            else "choose one with --name",
        )
    return _hindered(standing, declaration) or Next(Phase.INTRODUCE)


def _may_concern(standing: RotationState, unread: UnreadLineage) -> bool:
    """Return whether a comment that cannot be parsed may name this predecessor.

    It may if it is in the same module and names no other certificate.
    """
    named = standing.declared.certificate(unread.names) if unread.names is not None else None
    return unread.module == standing.block.module_path and (
        named is None or named.block == standing.block
    )


def _repoint(
    standing: RotationState, successor: DeclaredCertificate, declaration: DeclaredCertificate
) -> Step:
    unready = successor_unready(standing, successor)
    if isinstance(unready, Blocked):
        return unready
    return (
        _hindered(standing, declaration)
        or unready
        or inside_window(standing)
        or Next(Phase.REPOINT)
    )


def inside_window(standing: RotationState) -> Waiting | None:
    """Return how long repoint must wait while backends learn to trust the successor (I2).

    None once the trust window is over.
    """
    window = standing.cases.policy.trust_window_days
    ready = window_end(standing)
    if ready is None:
        return Waiting(
            "nothing says when the successor was made, so its trust window is not known to be over",
            unverified=True,
        )
    if ready <= standing.cases.as_of:
        return None
    ends = [case.expires_at for case in standing.own if case.expires_at is not None]
    by = standing.cases.policy.repoint_by(min(ends)) if ends else None
    overrun = (
        f"; that is after repoint-by ({by:%Y-%m-%d}), and `tfcert patch --phase repoint` writes "
        "the patch now"
        if by is not None and ready > by
        else ""
    )
    days = f"{window} day{'s' * (window != 1)}"
    return Waiting(
        f"until {moment(ready)}: {age(standing)}, and the trust window is {days}{overrun}",
        until=ready,
    )


def successor_unready(
    standing: RotationState, successor: DeclaredCertificate
) -> Waiting | Blocked | None:
    """Return why stages cannot move to a successor yet: not applied, or not confirmed by AWS."""
    missing = ", ".join(standing.missing_instances())
    if missing and standing.successor_cases:
        return Waiting(
            f"the introduce phase is applied in part: {missing} is not in state; plan and apply it "
            "again"
        )
    if missing:
        return Waiting(f"the introduce phase is written but not applied: {missing} is not in state")
    if not standing.successor_cases:
        return Waiting(
            f"the introduce phase is written but not applied: {successor.block} is not in state"
        )
    return next(
        (reason for case in standing.successor_cases if (reason := _unconfirmed(case)) is not None),
        None,
    )


def _unconfirmed(case: Case) -> Waiting | Blocked | None:
    match case.evidence:
        case Evidence.OBSERVED:
            return None
        case Evidence.GONE:
            return Waiting(
                f"state has the successor {case.address}, and AWS does not: apply, and Terraform "
                "makes it again"
            )
        case Evidence.UNANSWERED:
            reason = (
                case.observation.reason
                if isinstance(case.observation, Unanswered)
                else "AWS did not answer"
            )
            return Waiting(
                f"AWS has not confirmed the successor {case.address}: {reason}", unverified=True
            )
        case Evidence.RECORDED | Evidence.UNKNOWN:
            return Waiting(
                f"AWS was not asked about the successor {case.address} (--offline)", unverified=True
            )


def _retire(  # noqa: PLR0911 -- one return for each thing that comes first
    standing: RotationState, successor: DeclaredCertificate
) -> Step:
    if not standing.own:
        if standing.declaration is None:
            return Done()
        return _without_predecessor(standing, standing.declaration, successor)
    uncovered = standing.uncovered(successor)
    if uncovered:
        return _not_reached(standing, uncovered)
    if standing.presenters:
        names = ", ".join(sorted(str(stage.address) for stage in standing.presenters))
        missing = _not_in_state(standing, successor)
        if missing:
            return _lagging(standing, missing, names)
        return repoint_not_applied(standing, names)
    if standing.declaration is None:
        removal = standing.declared.removal(standing.block)
        if removal is not None and removal.destroys is False:
            return forgotten(standing, removal)
        return Waiting(
            "the retire phase is written but not applied: the predecessor is still in state"
        )
    return (
        unseen_presenters(standing)
        or _in_another_workspace(standing)
        or _hindered(standing, standing.declaration)
        or Next(Phase.RETIRE)
    )


def repoint_not_applied(standing: RotationState, names: str) -> Waiting:
    """Return the wait for repoint, which is written but not applied to the named stages.

    Inside the trust window it must not be applied yet (I2).
    """
    ready = window_end(standing)
    early = ready is not None and ready > standing.cases.as_of
    first = (
        f"; do not apply it before {moment(ready)}: {age(standing)}"
        if early and ready is not None
        else ""
    )
    return Waiting(
        f"the repoint phase is written but not applied: {names} still presents it{first}"
    )


def _without_predecessor(
    standing: RotationState, declaration: DeclaredCertificate, successor: DeclaredCertificate
) -> Step:
    """Return the step where the predecessor has a block but is not in state.

    It was never applied, or it was removed from the state.
    """
    if not standing.successor_cases:
        return Waiting(
            f"neither {standing.block} nor {successor.block} is in state: nothing has been applied "
            "yet"
        )
    return Blocked(
        f"{standing.block} is not in state, though its successor is: it was taken out of the state "
        "(`terraform state rm`), and the next apply would make another one",
        f"remove its block ({declaration.location}) with what refers to it; the owner of the "
        "certificate in AWS deletes it there, by the steps that `tfcert scan` prints",
    )


def _not_in_state(standing: RotationState, successor: DeclaredCertificate) -> tuple[str, ...]:
    missing = tuple(standing.missing_instances())
    return missing or (() if standing.successor_cases else (str(successor.block),))


def _lagging(standing: RotationState, missing: tuple[str, ...], names: str) -> Blocked:
    """Return why a configuration that is two phases ahead of the state must not be applied at once.

    A rotation in another workspace is the usual cause.
    """
    listed = ", ".join(missing)
    workspace = standing.document.document.workspace
    where = f" of workspace {workspace}" if workspace is not None and workspace != "default" else ""
    targets = " ".join(f"-target='{each}'" for each in missing)
    return Blocked(
        f"the configuration is two phases ahead of this state{where}: {listed} is not in it, and "
        f"{names} still presents {standing.block}; one apply would create it and move the stage at "
        "once",
        f"first `terraform apply {targets}`, which creates it alone; have every backend trust it "
        "for the trust window; then apply the rest",
    )


def _in_another_workspace(standing: RotationState) -> Step | None:
    """Return the step where another workspace may still need the predecessor.

    All workspaces share the configuration, so the block must stay while a stage presents the
    certificate.

    None where the states of all other workspaces were read and none of them presents it.
    """
    behind = [
        each for each in standing.document.document.workspaces if standing.block in each.presented
    ]
    if behind:
        names = ", ".join(f"{each.name} ({each.path})" for each in behind)
        return Waiting(
            f"a stage of another workspace still presents it, by its state: {names}; apply the "
            "earlier phases there first"
        )
    unread = [each for each in standing.document.document.workspaces if each.unread]
    if unread:
        names = ", ".join(f"{each.name} ({each.path}: {each.unread})" for each in unread)
        return Blocked(
            "the state of another workspace was not read, and a stage of it may present the "
            f"certificate: {names}",
            "make that state readable, or rotate that workspace first and move its state away, "
            "then ask again",
        )
    return None


def _hindered(standing: RotationState, declaration: DeclaredCertificate) -> Blocked | None:
    for obstacle in declaration.obstacles:
        where = f" ({obstacle.location})" if obstacle.location is not None else ""
        return Blocked(f"{obstacle.reason}{where}", obstacle.remedy)
    holder = (
        standing.successor
        if standing.successor is not None and not declaration.pointers
        else declaration
    )
    halfway = standing.successor
    uncovered = [
        stage
        for stage in standing.uncovered(holder)
        if halfway is None
        or stage not in set(standing.presenters) - set(standing.uncovered(halfway))
    ]
    return _not_reached(standing, tuple(uncovered)) if uncovered else None
