"""Stale plans: a state of the same configuration, or AWS, already has what the plan would do.

Terraform refuses to apply a saved plan after the state has changed ("Saved plan is stale"). The
JSON of a plan does not say for which state it was made: addresses and ids show it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from checker.analysis.certificate_uses import stage_key
from checker.model.address import Address
from checker.model.inventory import Document, Inventory
from checker.model.observation import Gone, Observations, ObservedStage
from checker.model.plan import Action, CertificateChange, Plan, StageChange, StalePlan
from checker.model.resources import Presented, Presents, PresentsNothing, Stage

_Identity = tuple[Address, str, str]


class _State(Struct, frozen=True, kw_only=True):
    """The objects of one state by address; `ids` has every certificate, deposed ones too."""

    path: str
    identities: frozenset[_Identity]
    certificates: dict[Address, str]
    stages: dict[Address, Stage]
    ids: frozenset[str]


class StalePlans:
    """The states of a run and the answers of AWS, which show whether a plan is stale."""

    def __init__(self, inventory: Inventory, observations: Observations) -> None:
        """Index the states, once for all plans."""
        self._observations = observations
        self._states = [
            _index(document)
            for document in (inventory.documents if inventory.plans else ())
            if document.plan is None and document.source.kind != "aws"
        ]

    def find(self, document: Document) -> StalePlan | None:
        """Return why the plan of a document is stale; None where nothing shows it.

        A state counts only where it shares objects with the prior state of the plan, by address and
        id. What was changed outside Terraform before the plan shows nothing: the plan undoes it.
        """
        plan = document.plan
        if plan is None:
            return None
        own = _identities(document)
        for state in self._states:
            if own.isdisjoint(state.identities):
                continue
            signs = tuple(_by_state(plan, state))
            if signs:
                return StalePlan(by=state.path, signs=signs)
        signs = tuple(_by_aws(plan, self._observations))
        return StalePlan(by="AWS", signs=signs, by_aws=True) if signs else None


def _index(document: Document) -> _State:
    recorded = [each for each in document.certificates if each.address is not None]
    return _State(
        path=document.source.path,
        identities=_identities(document),
        certificates={
            each.address: each.id
            for each in recorded
            if each.address is not None and each.id is not None and each.deposed is None
        },
        stages={
            each.address: each
            for each in document.stages
            if each.address is not None and each.deposed is None
        },
        ids=frozenset(each.id for each in recorded if each.id is not None),
    )


def _identities(document: Document) -> frozenset[_Identity]:
    """The managed objects of a document, each as its address and what AWS knows it by."""
    certificates = (
        (each.address, each.id, "")
        for each in document.certificates
        if each.address is not None and each.id is not None
    )
    stages = (
        (each.address, each.api_id, each.name)
        for each in document.stages
        if each.address is not None and each.api_id and each.name
    )
    return frozenset((*certificates, *stages))


def _by_state(plan: Plan, state: _State) -> Iterator[str]:
    for certificate in plan.certificates:
        address = certificate.address
        if address in plan.drifted:
            continue
        gone = _deleted_id(certificate)
        if _creates(certificate) and address in state.certificates:
            yield f"{address} is there already ({state.certificates[address]})"
        elif gone is not None and gone not in state.ids:
            yield f"certificate {gone} ({address}) is gone already"
    for change in plan.stages:
        recorded = state.stages.get(change.address)
        if recorded is None or change.address in plan.drifted:
            continue
        goal = _goal(change)
        if _creates(change):
            yield f"{change.address} is there already"
        elif goal is not None and recorded.presents == goal:
            yield _moved(change, goal)


def _by_aws(plan: Plan, observations: Observations) -> Iterator[str]:
    gone = {key.id for key, answer in observations.certificates.items() if isinstance(answer, Gone)}
    for certificate in plan.certificates:
        identity = _deleted_id(certificate)
        if identity in gone:
            yield f"certificate {identity} ({certificate.address}) is gone already"
    for change in plan.stages:
        goal, key = _goal(change), stage_key(change.before) if change.before is not None else None
        shown = observations.stages.get(key) if key is not None else None
        if goal is None or not isinstance(shown, ObservedStage):
            continue
        if shown.certificate_id == (goal.id if isinstance(goal, Presents) else None):
            yield _moved(change, goal)


def _creates(change: CertificateChange | StageChange) -> bool:
    """Whether the plan adds an object to the state: created, or imported."""
    return change.deposed is None and (change.action is Action.CREATE or change.imported)


def _deleted_id(change: CertificateChange) -> str | None:
    """The id of a certificate that the plan deletes or takes out of the state."""
    leaves = change.action.destroys or "forget" in change.action.value.split("+")
    return change.before.id if leaves and change.before is not None else None


def _goal(change: StageChange) -> Presented | None:
    """The certificate that the plan gives to an existing stage in place of another one."""
    before, after = change.presented
    moves = change.action is Action.UPDATE and before != after
    return after if moves and isinstance(after, Presents | PresentsNothing) else None


def _moved(change: StageChange, goal: Presented) -> str:
    shown = goal.id if isinstance(goal, Presents) else "no certificate"
    return f"{change.address} presents {shown} already"
