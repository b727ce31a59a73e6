"""What AWS says about the certificates of one region."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from checker.domain.observation import CertificateKey, Gone, Observation
from checker.domain.place import Place
from checker.live.anchors import Anchor, account_by, proof_of
from checker.live.asking import Asking
from checker.live.deadline import start
from checker.live.gateway import Api, GatewayError, UnreachableError
from checker.live.identity import Caller, KnownCaller, caller, elsewhere, here, unproven


class CertificateList:
    """A region's list of certificates: asked for once, at once, and then what all else is held against."""

    def __init__(self, asking: Asking, anchors: Collection[Anchor], identity: Future[Caller]) -> None:
        self._asking = asking
        self._anchors = anchors
        self._identity = identity
        self._listed = start(partial(asking.gateway.certificates, asking.region))

    def observe(self, keys: Collection[CertificateKey]) -> Mapping[CertificateKey, Observation]:
        """Say of each certificate whether it is there.

        What is not listed is Gone only where it is recorded: in this region, and in the caller's account by STS. Else a recorded
        stage must be found there.
        """
        try:
            known = self._asking.wait_for("GetClientCertificates", self._listed)
        except GatewayError as error:
            return dict.fromkeys(keys, error.unanswered)
        who = caller(self._identity, self._asking.patience)
        proof = _Proof(self._asking, who, self._anchors)
        observed: dict[CertificateKey, Observation] = {}
        for key in keys:
            recorded = key.place.account or account_by(self._anchors, key.id)
            observed[key] = elsewhere(recorded, who) or known.get(key.id) or proof.absent(key, recorded)
        return observed

    def held(self) -> Mapping[Place, int]:
        """How many certificates the account has in the region, where both were answered by now."""
        if not self._listed.done() or self._listed.exception() is not None:
            return {}
        who = caller(self._identity, self._asking.patience) if self._identity.done() else None
        account = who.account if isinstance(who, KnownCaller) else None
        return {Place(None, account, self._asking.region): len(self._listed.result())}


@dataclass(slots=True)
class _Proof:
    """Tells what is gone from what was looked for in the wrong account; no stage is asked for twice."""

    asking: Asking
    who: Caller
    anchors: Collection[Anchor]
    seen: dict[Anchor, bool] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    given_up: bool = False

    def absent(self, key: CertificateKey, recorded: str | None) -> Observation:
        """Gone, or that this is not proven."""
        if here(recorded, key.place.region, self.who):
            return Gone()
        asked = self.who.account if isinstance(self.who, KnownCaller) else recorded
        if any(self._there(anchor) for anchor in proof_of(self.anchors, key.id, asked)):
            return Gone()
        what = f"certificate {key.id} is not in region {self.asking.region}"
        return unproven(what, recorded, key.place.region, self.who, self.doubts)

    def _there(self, anchor: Anchor) -> bool:
        if anchor not in self.seen and not self.given_up:
            self.seen[anchor] = self._look(anchor)
        return self.seen.get(anchor, False)

    def _look(self, anchor: Anchor) -> bool:
        gateway, region = self.asking.gateway, self.asking.region
        api = Api(kind=anchor.kind, id=anchor.api_id)
        try:
            return self.asking.ask("GetStage", lambda: gateway.has_stage(region, api, anchor.name))
        except GatewayError as error:
            self.given_up = isinstance(error, UnreachableError)
            self.doubts.append(error.unanswered.reason)
            return False
