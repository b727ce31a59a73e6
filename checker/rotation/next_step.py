"""The next step of one rotation, derived only from configuration, state and AWS (I6)."""

from __future__ import annotations

from checker.model.address import Address
from checker.model.cases import Case, Evidence
from checker.model.configuration import DeclaredCertificate
from checker.model.deadlines import moment
from checker.model.observation import Unanswered
from checker.model.rotation import Blocked, Done, Next, Phase, Step, Waiting
from checker.rotation.hindrances import hindered, not_reached
from checker.rotation.missing_block import forgotten, undeclared
from checker.rotation.state import (
    ManagedState,
    Predecessor,
    RotationState,
    age,
    unseen_presenters,
    window_end,
)
from checker.rotation.take_up import take_up_step, unread_comment
from checker.rotation.trust_evidence import refusing, window_waived


def next_step(  # noqa: PLR0911 -- one return for each place at which a rotation can stand
    state: ManagedState, successor: Address, contested: tuple[DeclaredCertificate, ...] = ()
) -> Step:
    """Return the phase that is safe now (I2), or what must happen first, or why it is blocked."""
    block = state.predecessor.block
    tainted = next(
        (
            case.address
            for case in (*state.instances, *state.successor_cases)
            if case.certificate.tainted
        ),
        None,
    )
    if tainted is not None:
        return Blocked(
            f"{tainted} is tainted: the next apply replaces it, and moves the stages that present "
            "it in the same apply",
            f"`terraform untaint '{tainted}'`, then run tfcert again",
        )
    if contested:
        return _contested(state, contested)
    if state.successor is None:
        return _introduce(state, successor)
    if state.guess is not None:
        return take_up_step(state, state.guess)
    if state.successor.block == block or state.successor.block.type != block.type:
        return Blocked(
            f"the comment above {state.successor.block} ({state.successor.location}) says "
            f"that it succeeds {block}",
            "correct or remove the comment: a certificate succeeds another one of the same type",
        )
    if state.unfit is not None and state.presenters:
        return _lasts_no_longer(state, state.unfit)
    if state.predecessor.declaration is not None and state.predecessor.declaration.pointers:
        return _repoint(state, state.successor, state.predecessor.declaration)
    return _retire(state, state.successor)


def _contested(state: ManagedState, contested: tuple[DeclaredCertificate, ...]) -> Blocked:
    """Return which certificate to keep where several claim to succeed the same one.

    It is the only one in state, else the one in state that ends last. The others are left over.
    """
    names = ", ".join(str(other.block) for other in contested)
    instances = {each.block: state.document.of_block(each.block) for each in contested}
    dated = [
        (end, each)
        for each in contested
        if (
            end := min(
                (case.expires_at for case in instances[each.block] if case.expires_at is not None),
                default=None,
            )
        )
        is not None
    ]
    applied = [each for each in contested if instances[each.block]]
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
        + (", in a separate apply" if instances[each.block] else " before anything is applied")
        for each in others
    )
    return Blocked(
        f"more than one certificate claims to succeed it: {names}",
        f"keep {keep.block.in_module} ({keep.location}), {why}; {left}",
    )


def _lasts_no_longer(state: ManagedState, why: str) -> Step:
    """Return the step where the stages would move to a certificate that lasts no longer.

    The stages stay at the predecessor, and a fresh successor is introduced.
    """
    block = state.predecessor.block
    is_moved = (
        state.predecessor.declaration is not None and not state.predecessor.declaration.pointers
    )
    return Blocked(
        f"its stages would move to a certificate that lasts no longer: {why}",
        "do not apply it: `tfcert patch --phase rollback` points them back; then `tfcert patch` "
        "introduces a fresh successor"
        if is_moved
        else f"let them refer to {block.in_module}.id again, then run tfcert again: a fresh "
        "successor is introduced",
    )


def removal(state: ManagedState) -> Step:
    """Return the step for a left-over certificate.

    It can be removed only when AWS shows no stage that presents it.
    """
    declaration = state.predecessor.declaration
    where = f" ({declaration.location})" if declaration is not None else ""
    why = f"is succeeded by {state.successor.block}" if state.successor is not None else "has ended"
    presented = unseen_presenters(state)
    leftover = f"its block{where} is left over: it {why}, and no stage in state presents it"
    match presented:
        case Waiting(reason=reason, unverified=unverified):
            return Waiting(
                f"{leftover}; before it is retired, AWS must confirm it: {reason}",
                unverified=unverified,
            )
        case Blocked(reason=reason, remedy=remedy):
            return Blocked(f"{leftover}; {reason}", remedy)
        case _:
            return (hindered(state, declaration) if declaration is not None else None) or Next(
                Phase.RETIRE
            )


def _introduce(state: ManagedState, successor: Address) -> Step:
    block = state.predecessor.block
    declaration = state.predecessor.declaration
    if declaration is None:
        return undeclared(state)
    gone = next((case.address for case in state.instances if case.evidence is Evidence.GONE), None)
    if gone is not None:
        return Blocked(
            "AWS does not know it any more: the next apply creates it again, and moves the stages "
            "to it at once",
            f"first `terraform apply -target='{gone}'`, which creates it alone; give its PEM to "
            "the backends; then apply the rest",
        )
    unread = unread_comment(state)
    if unread is not None:
        return Blocked(
            f"{unread.reason} ({unread.location}): a second successor is not introduced beside it",
            unread.remedy,
        )
    taken = state.declared.certificate(successor)
    if taken is not None:
        return Blocked(
            f"the name {successor} is taken by another block ({taken.location}), which no stage in "
            "state presents"
            if not taken.stages
            else f"the name {successor} is taken by another block ({taken.location})",
            f"choose one with --name; or write `# tfcert: succeeds {block.in_module}` "
            "above it if it is meant to be the successor"
            if not taken.stages
            else "choose one with --name",
        )
    return hindered(state, declaration) or Next(Phase.INTRODUCE)


def _repoint(
    state: ManagedState, successor: DeclaredCertificate, declaration: DeclaredCertificate
) -> Step:
    return repoint_step(state, successor, hindered(state, declaration))


def repoint_step(
    state: RotationState[Predecessor], successor: DeclaredCertificate, hindrance: Blocked | None
) -> Step:
    """Return the step of a rotation whose references still name the predecessor.

    `hindrance` is the reason why the references cannot be edited.
    """
    unready = successor_unready(state, successor)
    if isinstance(unready, Blocked):
        return unready
    return hindrance or unready or inside_window(state) or refusing(state) or Next(Phase.REPOINT)


def inside_window(state: RotationState[Predecessor]) -> Waiting | None:
    """Return how long repoint must wait while backends learn to trust the successor (I2).

    None once the trust window is over, or where the policy waives it.
    """
    if window_waived(state):
        return None
    window = state.cases.policy.trust_window_days
    ready = window_end(state)
    if ready is None:
        return Waiting(
            "the creation date of the successor is not known, so its trust window may not be over",
            unverified=True,
        )
    if ready <= state.cases.as_of:
        return None
    ends = [case.expires_at for case in state.instances if case.expires_at is not None]
    by = state.cases.policy.repoint_by(min(ends)) if ends else None
    overrun = (
        f"; that is after repoint-by ({by:%Y-%m-%d}), and `tfcert patch --phase repoint` writes "
        "the patch now"
        if by is not None and ready > by
        else ""
    )
    days = f"{window} day{'s' * (window != 1)}"
    return Waiting(
        f"until {moment(ready)}: {age(state)}, and the trust window is {days}{overrun}",
        until=ready,
    )


def successor_unready(
    state: RotationState[Predecessor], successor: DeclaredCertificate
) -> Waiting | Blocked | None:
    """Return why stages cannot move to a successor yet: not applied, or not confirmed by AWS."""
    missing = ", ".join(state.missing_instances())
    if missing and state.successor_cases:
        return Waiting(
            f"the introduce phase is applied in part: {missing} is not in state; plan and apply it "
            "again"
        )
    if missing:
        return Waiting(f"the introduce phase is written but not applied: {missing} is not in state")
    if not state.successor_cases:
        return Waiting(
            f"the introduce phase is written but not applied: {successor.block} is not in state"
        )
    return next(
        (reason for case in state.successor_cases if (reason := _unconfirmed(case)) is not None),
        None,
    )


def _unconfirmed(case: Case) -> Waiting | Blocked | None:
    match case.evidence:
        case Evidence.OBSERVED:
            return None
        case Evidence.GONE:
            return Waiting(
                f"state has the successor {case.address}, and AWS does not: apply, and Terraform "
                "creates it again"
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
    state: ManagedState, successor: DeclaredCertificate
) -> Step:
    if not state.instances:
        if state.predecessor.declaration is None:
            return Done()
        return _without_predecessor(state, state.predecessor.declaration, successor)
    uncovered = state.uncovered(successor)
    if uncovered:
        return not_reached(state, uncovered[0])
    if state.presenters:
        names = ", ".join(sorted(str(stage.address) for stage in state.presenters))
        missing = _not_in_state(state, successor)
        if missing:
            return _two_phases_ahead(state, missing, names)
        return repoint_not_applied(state, names)
    if state.predecessor.declaration is None:
        removal = state.declared.removal(state.predecessor.block)
        if removal is not None and removal.destroys is False:
            return forgotten(state, removal)
        presented = unseen_presenters(state) if state.cases.observations.asked else None
        if isinstance(presented, Blocked):
            return Blocked(
                f"the retire phase is written, and must not be applied yet: {presented.reason}",
                presented.remedy,
            )
        return Waiting(
            "the retire phase is written but not applied: the predecessor is still in state"
        )
    return (
        unseen_presenters(state)
        or _in_another_workspace(state)
        or hindered(state, state.predecessor.declaration)
        or Next(Phase.RETIRE)
    )


def repoint_not_applied(state: RotationState[Predecessor], names: str) -> Waiting:
    """Return the wait for repoint, which is written but not applied to the named stages.

    Inside the trust window it must not be applied yet (I2).
    """
    ready = window_end(state)
    early = ready is not None and ready > state.cases.as_of and not window_waived(state)
    first = (
        f"; do not apply it before {moment(ready)}: {age(state)}"
        if early and ready is not None
        else ""
    )
    return Waiting(
        f"the repoint phase is written but not applied: {names} still presents it{first}"
    )


def _without_predecessor(
    state: ManagedState, declaration: DeclaredCertificate, successor: DeclaredCertificate
) -> Step:
    """Return the step where the predecessor has a block but is not in state.

    It was never applied, or it was removed from the state.
    """
    block = state.predecessor.block
    if not state.successor_cases:
        return Waiting(
            f"neither {block} nor {successor.block} is in state: nothing has been applied yet"
        )
    return Blocked(
        f"{block} is not in state, though its successor is: it was taken out of the state "
        "(`terraform state rm`), and the next apply would make another one",
        f"remove its block ({declaration.location}) with what refers to it; the owner of the "
        "certificate in AWS deletes it there, by the steps that `tfcert scan` prints",
    )


def _not_in_state(state: ManagedState, successor: DeclaredCertificate) -> tuple[str, ...]:
    missing = tuple(state.missing_instances())
    return missing or (() if state.successor_cases else (str(successor.block),))


def _two_phases_ahead(state: ManagedState, missing: tuple[str, ...], names: str) -> Blocked:
    """Return why a configuration that is two phases ahead of the state must not be applied at once.

    A rotation in another workspace is the usual cause.
    """
    block = state.predecessor.block
    listed = ", ".join(missing)
    workspace = state.document.document.workspace
    where = f" of workspace {workspace}" if workspace is not None and workspace != "default" else ""
    targets = " ".join(f"-target='{each}'" for each in missing)
    return Blocked(
        f"the configuration is two phases ahead of this state{where}: {listed} is not in it, and "
        f"{names} still presents {block}; one apply would create it and move the stage at "
        "once",
        f"first `terraform apply {targets}`, which creates it alone; have every backend trust it "
        "for the trust window; then apply the rest",
    )


def _in_another_workspace(state: ManagedState) -> Step | None:
    """Return the step where another workspace may still need the predecessor.

    All workspaces share the configuration, so the block must stay while a stage presents the
    certificate.

    None where the states of all other workspaces were read and none of them presents it.
    """
    behind = [
        each
        for each in state.document.document.workspaces
        if state.predecessor.block in each.presented
    ]
    if behind:
        names = ", ".join(f"{each.name} ({each.path})" for each in behind)
        return Waiting(
            f"a stage of another workspace still presents it, by its state: {names}; apply the "
            "earlier phases there first"
        )
    unread = [each for each in state.document.document.workspaces if each.unread]
    if unread:
        names = ", ".join(f"{each.name} ({each.path}: {each.unread})" for each in unread)
        return Blocked(
            "the state of another workspace was not read, and a stage of it may present the "
            f"certificate: {names}",
            "make that state readable, or rotate that workspace first and move its state away, "
            "then run tfcert again",
        )
    return None
