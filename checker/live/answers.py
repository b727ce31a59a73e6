"""Turns what API Gateway answers into the domain's values, and refuses what it would not answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from checker.domain.conditions import Tags
from checker.domain.observation import Found, ObservedStage, Unanswered
from checker.domain.pem import fingerprint_of, normal_pem
from checker.domain.stage import StageKind

_LOOK = "look at it in the API Gateway console"
# API Gateway is of 2015, and its certificates live for 365 days; AWS may come to let them live longer, but not for decades.
_FIRST_YEAR, _LAST_YEAR = 2015, 2100
_LONGEST_LIFE = timedelta(days=3660)

# Half a million of anything: whatever goes on after that is not a list of AWS's.
_MOST_PAGES = 1000
# The comment of a successor in Terraform, in the description of one that was made by hand (`rotation/hand_steps.py`).
_LINEAGE = re.compile(r"tfcert: succeeds ([a-z0-9]{1,64})")


def listed(fetch: Callable[..., Mapping[str, Any]], items: str, position: str) -> Iterator[Mapping[str, Any]]:
    """The items of all pages, the next of which is asked for by `position`; ValueError where a page is not one.

    A page without its list is no empty page: botocore makes an empty answer of a proxy's HTML, and taking that for "no
    certificates" would call every certificate gone. Source: botocore's `apigateway` and `apigatewayv2` models; both
    services send the list when it is empty, too.
    """
    page = fetch()
    seen: set[str] = set()
    while True:
        if page.get(items) is None:
            raise ValueError(f"no {items} in the answer")
        yield from page[items]
        following = page.get(position)
        if not following:
            return
        if following in seen or len(seen) >= _MOST_PAGES:
            raise ValueError("the pages do not end")
        seen.add(following)
        page = fetch(**{position: following})


def by_id(items: Iterable[Mapping[str, Any]]) -> dict[str, Found | Unanswered]:
    """The client certificates of a list; ValueError where one is in it twice, for then one of the two is not true."""
    found: dict[str, Found | Unanswered] = {}
    for item in items:
        identity = text(item, "clientCertificateId")
        if identity in found:
            raise ValueError(f"{identity} is in the answer twice")
        found[identity] = certificate(item)
    return found


def certificate(item: Mapping[str, Any]) -> Found | Unanswered:
    """A client certificate of GetClientCertificates; one whose dates cannot be is unanswered, and its neighbours are not."""
    identity = text(item, "clientCertificateId")
    ends, begins, pem = item.get("expirationDate"), item.get("createdDate"), item.get("pemEncodedCertificate")
    if not isinstance(ends, datetime):
        return Unanswered(reason=f"AWS knows the certificate {identity} and gives no end date for it", remedy=_LOOK)
    begun = begins.astimezone(UTC) if isinstance(begins, datetime) else None
    if not _FIRST_YEAR <= ends.year <= _LAST_YEAR or (begun is not None and not timedelta(0) < ends - begun <= _LONGEST_LIFE):
        since = f" and began on {begun:%Y-%m-%d}" if begun is not None else ""
        reason = f"AWS answers that the certificate {identity} ends on {ends:%Y-%m-%d}{since}, which is not the life of one"
        return Unanswered(reason=reason, remedy=_LOOK)
    return Found(
        expires_at=ends.astimezone(UTC),
        created_at=begun,
        fingerprint=fingerprint_of(pem),
        pem=normal_pem(pem),
        succeeds=_succeeds(item.get("description")),
        tags=_tags(item.get("tags")),
    )


def _tags(found: object) -> Tags | None:
    """Tags as both versions answer with them; what is no text is none."""
    if not isinstance(found, Mapping) or not found:
        return None
    return tuple(sorted((key, value) for key, value in found.items() if isinstance(key, str) and isinstance(value, str)))


def _succeeds(description: object) -> str | None:
    found = _LINEAGE.fullmatch(description.strip()) if isinstance(description, str) else None
    return found[1] if found else None


def rest_stage(api_id: str, api_name: str | None, item: Mapping[str, Any]) -> ObservedStage:
    """A stage of API Gateway's GetStages; a certificate that was taken off leaves the empty string."""
    return ObservedStage(
        kind=StageKind.REST,
        api_id=api_id,
        name=text(item, "stageName"),
        certificate_id=optional(item, "clientCertificateId"),
        api_name=api_name,
        tags=_tags(item.get("tags")),
    )


def websocket_stage(api_id: str, api_name: str | None, item: Mapping[str, Any]) -> ObservedStage:
    """A stage of API Gateway v2's GetStages."""
    return ObservedStage(
        kind=StageKind.WEBSOCKET,
        api_id=api_id,
        name=text(item, "StageName"),
        certificate_id=optional(item, "ClientCertificateId"),
        api_name=api_name,
        tags=_tags(item.get("Tags")),
    )


def once(stages: Iterable[ObservedStage]) -> tuple[ObservedStage, ...]:
    """Return the stages of one API's list; ValueError where a name is in it twice, for then one of the two is not true."""
    found: dict[str, ObservedStage] = {}
    for stage in stages:
        if stage.name in found:
            raise ValueError(f"stage {stage.name} is in the answer twice")
        found[stage.name] = stage
    return tuple(found.values())


def text(item: Mapping[str, Any], name: str) -> str:
    """A text that every item has; ValueError where this one has not."""
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"no {name} in the answer")
    return value


def optional(item: Mapping[str, Any], name: str) -> str | None:
    """A text that an item may lack, or have as an empty one; ValueError where it is something else."""
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} in the answer is no text")
    return value or None
