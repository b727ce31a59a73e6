"""What ACM says about the certificates that stages name by their ARNs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future

from checker.domain.certificate import kind_of
from checker.domain.observation import CertificateKey, Gone, Observation, Unanswered
from checker.domain.place import Place, place_of_arn
from checker.live.asking import Asking
from checker.live.gateway import GatewayError, UnreachableError
from checker.live.identity import Caller, caller, elsewhere, here, unproven

NO_ACM = Unanswered(
    reason="it is an ARN, and not that of a certificate of ACM: API Gateway takes no other",
    remedy="look at what the stage presents: `aws apigateway get-stage`",
)


def is_arn(certificate_id: str) -> bool:
    """Whether a stage names its certificate by an ARN, which API Gateway's own never have."""
    return kind_of(certificate_id) == "acm"


def of_acm(certificate_id: str) -> bool:
    """Whether it is the whole ARN of something of ACM's: partition, region and account are named."""
    place = place_of_arn(certificate_id)
    return certificate_id.split(":")[2:3] == ["acm"] and None not in {place.partition, place.account, place.region}


def place_of(key: CertificateKey) -> Place:
    """Where an ACM certificate lives: its ARN says so, whatever a document records."""
    return place_of_arn(key.id)


def observe_acm(asking: Asking, keys: Collection[CertificateKey], identity: Future[Caller]) -> Mapping[CertificateKey, Observation]:
    """Ask ACM for each of a region's certificates, one call each; those of another account are not asked for.

    Where nothing in the region is answered, no more of it is asked.
    """
    who = caller(identity, asking.patience)
    asked: dict[str, Observation] = {}
    given_up: Unanswered | None = None
    for key in keys:
        if key.id in asked:
            continue
        answer: Observation | None = elsewhere(place_of(key).account, who) or given_up
        if answer is None:
            try:
                answer = _describe(asking, key, who)
            except UnreachableError as error:
                answer = given_up = error.unanswered
            except GatewayError as error:
                answer = error.unanswered
            else:
                asking.patience.answered()
        asked[key.id] = answer
    return {key: asked[key.id] for key in keys}


def _describe(asking: Asking, key: CertificateKey, who: Caller) -> Observation:
    answer = asking.ask("DescribeCertificate", lambda: asking.gateway.acm_certificate(asking.region, key.id))
    place = place_of(key)
    if isinstance(answer, Gone) and not here(place.account, place.region, who):
        return unproven("ACM does not know it", place.account, place.region, who)
    return answer
