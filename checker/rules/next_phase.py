"""Check whether a planned change is the next phase of a rotation, for `--expect next`.

The next phase of a rotation is the first one that the configuration has and the plan's prior state
lacks.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.analysis.backend_trust import trust_of
from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.configuration import ConfigurationFacts, DeclaredCertificate
from checker.model.plan import Action, CertificateChange, StageChange
from checker.model.resources import Presents

POINTER = "client_certificate_id"


class NextPhase(Struct, frozen=True, kw_only=True):
    """The rotations of one document.

    Each of the two public methods returns why a change is not the next phase, or None.
    """

    cases: Cases
    document: DocumentCases
    declared: ConfigurationFacts

    def certificate(self, change: CertificateChange) -> str | None:
        """Return why a change of a certificate is no next phase; None if it is one.

        Only introduce and retire change a certificate.
        """
        if change.deposed is not None:
            return (
                f"has the planned action {change.action.value} for an old object of it (deposed "
                f"{change.deposed})"
            )
        match change.action:
            case Action.CREATE:
                return self._introduced(change.address)
            case Action.NO_OP | Action.UPDATE if change.imported:
                return self._introduced(change.address)
            case Action.DELETE | Action.FORGET:
                return self._retired(change)
            case Action.NO_OP:
                return "is moved to another address"
            case action:
                return f"has the planned action {action.value}"

    def stage(self, change: StageChange) -> str | None:
        """Return why a change of a stage is no next phase; None if it is one.

        Only repoint changes a stage, and only its pointer.
        """
        move = pointer_move(change)
        return move if isinstance(move, str) else self._repointed(change, *move)

    def _introduced(self, address: Address) -> str | None:
        own = self.declared.certificate(address.block)
        if own is None or (own.succeeds is None and own.succeeds_id is None):
            return "succeeds no certificate"
        other = next(self._other_successors(own), None)
        if other is not None:
            return (
                f"would be a second successor of {own.succeeds or own.succeeds_id}, beside "
                f"{other.address}, which is in state"
            )
        return None

    def _other_successors(self, own: DeclaredCertificate) -> Iterator[Case]:
        """Yield the instances of another successor of the same predecessor.

        Only those that are in state and have not ended.
        """
        for each in self.declared.certificates:
            same = (own.succeeds is not None and each.succeeds == own.succeeds) or (
                own.succeeds_id is not None and each.succeeds_id == own.succeeds_id
            )
            if same and each.block != own.block:
                ends = [
                    case.expires_at
                    for case in self._predecessors(own)
                    if case.expires_at is not None
                ]
                for case in self.document.of_block(each.block):
                    if not ends or case.expires_at is None or case.expires_at > max(ends):
                        yield case

    def _predecessors(self, own: DeclaredCertificate) -> tuple[Case, ...]:
        if own.succeeds is not None:
            return self.document.of_block(own.succeeds)
        found = self.document.by_id(own.succeeds_id) if own.succeeds_id is not None else None
        return (found,) if found is not None else ()

    def _repointed(self, change: StageChange, old: str, new: str) -> str | None:
        was, becomes = self.document.by_id(old), self.document.by_id(new)
        own = (
            self.declared.certificate(becomes.address.block)
            if becomes is not None and becomes.address is not None
            else None
        )
        if (
            becomes is None
            or becomes.address is None
            or own is None
            or not self._succeeds(own, becomes, was, old)
        ):
            return (
                f"moves to {new}, which does not succeed "
                f"{was.address if was is not None and was.address is not None else old}"
            )
        missing = self._not_introduced(own)
        if missing is not None:
            return f"moves to {new} while {missing} is not in state yet: introduce comes first"
        return self._too_young(change, becomes)

    def _succeeds(
        self, own: DeclaredCertificate, becomes: Case, was: Case | None, old: str
    ) -> bool:
        if own.succeeds_id is not None:
            return own.succeeds_id == old
        if was is None or was.address is None or becomes.address is None:
            return False
        return (
            own.succeeds == was.address.block and becomes.address.instance == was.address.instance
        )

    def _not_introduced(self, own: DeclaredCertificate) -> str | None:
        """Return an instance of the successor that the prior state lacks; None if it has all.

        An instance that this plan imports was not in the prior state.
        """
        plan = self.document.document.plan
        imported = (
            {change.address for change in plan.certificates if change.imported}
            if plan is not None
            else set()
        )
        there = {
            case.address.instance: case.address
            for case in self.document.of_block(own.block)
            if case.address is not None and case.address not in imported
        }
        for case in self._predecessors(own):
            if case.address is not None and case.address.instance not in there:
                return str(
                    Address(own.block.type, own.block.name, case.address.key, case.address.modules)
                )
        return None if there else str(own.block)

    def _too_young(self, change: StageChange, successor: Case) -> str | None:
        policy = self.cases.policy
        if successor.made_at is None:
            return f"moves to {successor.id}, whose age is not known"
        ready = policy.window_end(successor.made_at)
        trusted = trust_of(self.cases, self.document, change.sides, successor)
        if ready > self.cases.as_of and not policy.waives_window([trusted]):
            window = policy.trust_window_days
            return (
                f"moves to {successor.id} before the trust window of {window} days is over, at "
                f"{ready:%Y-%m-%d %H:%M} UTC"
            )
        return None

    def _retired(self, change: CertificateChange) -> str | None:
        if self.declared.certificate(change.address.block) is not None:
            return (
                f"has the planned action {change.action.value}, though its block is still in the "
                "configuration"
            )
        case = (
            self.document.by_id(change.before.id)
            if change.before is not None and change.before.id is not None
            else None
        )
        if case is None:
            return (
                f"has the planned action {change.action.value}, and the prior state does not have "
                "it"
            )
        if case.subject.presented_by:
            return (
                f"has the planned action {change.action.value} while stages still present it: "
                "repoint comes first"
            )
        end = case.expires_at
        lasting = [
            each for each in self.document.cases if each.subject.presented_by and each.id != case.id
        ]
        if (
            end is not None
            and lasting
            and all(each.expires_at is not None and each.expires_at <= end for each in lasting)
        ):
            return (
                f"has the planned action {change.action.value}, and no certificate in use ends "
                "later: it is no predecessor"
            )
        return None


def pointer_move(change: StageChange) -> tuple[str, str] | str:
    """Return the ids that a stage moves from and to, if only its pointer is updated.

    Otherwise return the reason why this is no such move.
    """
    if change.action is not Action.UPDATE:
        return planned_action(change)
    extra = sorted(change.changed - {POINTER})
    if extra:
        return f"also changes {', '.join(extra[:5])}"
    match change.presented:
        case Presents(id=old), Presents(id=new) if old != new:
            return old, new
        case _:
            return "does not move from one existing certificate to another"


def planned_action(change: StageChange) -> str:
    """Return the plan's action on a stage, in the words of a finding's reason.

    A stage whose attributes do not change is only moved to another address.
    """
    return (
        f"has the planned action {change.action.value}"
        if change.action.changes
        else "is moved to another address"
    )
