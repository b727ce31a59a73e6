r"""A plan of introduce leaves a place unchanged to which the configuration gives both PEMs.

## Why
Terraform sends some edits of a trust store or secret only when another argument changes too: a
write-only argument needs its version, an `aws_lb_trust_store` the version of its object, and
`ignore_changes` stops every edit. The plan then creates the successor and leaves the place as it
is, and repoint breaks each call to the backend that reads it.

## Example
The text has both PEMs, and the plan does not change the parameter: `value_wo_version` is the same.

```hcl
resource "aws_ssm_parameter" "trust" {
  name = "orders-trust"
  type = "SecureString"
  value_wo = join("\n", [
    trimspace(aws_api_gateway_client_certificate.orders.pem_encoded_certificate),
    trimspace(aws_api_gateway_client_certificate.orders_202611.pem_encoded_certificate),
  ])
  value_wo_version = 1 # raise it in the same apply
}
```

## How to fix
Change what makes Terraform send the edit, as the message says, and make the plan again. Or give
the place both PEMs outside Terraform before repoint, and exempt the rule for it.
`tfcert patch --trust-bundle` raises a literal version together with the edit, and leaves a place
that Terraform would not send.

## How to exempt
Exempt the rule for the address of the place, until a date before which repoint is done.

## Source
The plan's action on the place, with `--expect introduce`. Terraform language, write-only arguments:
Terraform compares them by their version only. A place that has the successor's PEM already, by the
state in the plan, gives no finding. Neither does one whose condition, such as `var.on ? pem : ""`,
leaves the PEM out: then no PEM is recorded there.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.model.address import Address
from checker.model.cases import Case, Cases, DocumentCases
from checker.model.finding import Finding
from checker.model.plan import Action
from checker.model.rotation import Delivery, Phase, TrustConsumer
from checker.model.severity import Severity
from checker.rules.base import Judges, Needs, Rule, Subject

# These places take a PEM without a change of their own in this plan, or only pass it on, or have
# none.
_ELSEWHERE = frozenset({Delivery.ELSEWHERE, Delivery.READS, Delivery.CREATION, Delivery.FOLLOWS})


def check(cases: Cases) -> Iterator[Finding]:
    """Yield an error for each consumer with both PEMs in the text and no change in the plan."""
    if cases.expect not in {Phase.INTRODUCE, "next"}:
        return
    for document in cases.documents:
        plan = document.document.plan
        if plan is None:
            continue
        idle = [each.address for each in plan.consumers if each.action is Action.NO_OP]
        for block, consumer, successors in _given_both(document) if idle else ():
            if cases.expect == "next" and successors:
                # The plan may be one of repoint; `trust-missing` judges that.
                continue
            for address in idle:
                if address.block != block or _is_off(cases, document, address, consumer):
                    continue
                if not _has(cases, document, address, successors):
                    yield _finding(document, address, consumer)


def _given_both(
    document: DocumentCases,
) -> Iterator[tuple[Address, TrustConsumer, tuple[Case, ...]]]:
    """Yield each consumer of a predecessor that has the PEM of its new successor too.

    The successor is created by the plan, or is in state. Each block comes once.
    """
    declared = document.document.declared
    plan = document.document.plan
    seen: set[Address] = set()
    for successor in declared.certificates if declared is not None else ():
        old = declared.certificate(successor.succeeds) if declared and successor.succeeds else None
        created = plan is not None and any(
            change.address.block == successor.block and change.action.creates
            for change in plan.certificates
        )
        own = document.of_block(successor.block)
        if old is None or not (created or own):
            continue
        places = {each.place for each in successor.trust}
        for consumer in old.trust:
            both = consumer.place in places
            if both and consumer.block is not None and consumer.block not in seen:
                if consumer.delivery in _ELSEWHERE:
                    continue
                seen.add(consumer.block)
                yield consumer.block, consumer, () if created else own


def _has(
    cases: Cases, document: DocumentCases, address: Address, successors: tuple[Case, ...]
) -> bool:
    """Return whether a consumer has the PEM of an applied successor, or cannot show it.

    Then an earlier apply has sent it already.
    """
    if not successors:
        return False
    held = _recorded(cases, document, address)
    own = {each.fingerprint for each in successors}
    return held is None or bool(own & held)


def _is_off(
    cases: Cases, document: DocumentCases, address: Address, consumer: TrustConsumer
) -> bool:
    """Return whether a condition may leave the PEM out, and no PEM is recorded there."""
    if not consumer.only_if or not consumer.is_sent:
        return False
    return not _recorded(cases, document, address)


def _recorded(cases: Cases, document: DocumentCases, address: Address) -> frozenset[str] | None:
    # Imported here: most runs have no rotation.
    from checker.analysis.backend_trust import recorded_certificates

    return recorded_certificates(cases, document.document, address)


def _finding(document: DocumentCases, address: Address, consumer: TrustConsumer) -> Finding:
    needs = consumer.needs or f"read in {consumer.location} what makes Terraform send the edit"
    return Finding(
        rule=RULE.name,
        source=document.document.source.path,
        severity=RULE.severity,
        message=f"the plan does not change {address}, which the configuration gives the PEM of "
        f"both certificates: {consumer.effect}",
        remedy=f"{needs}; then make the plan again",
        address=str(address),
        location=consumer.location,
    )


RULE = Rule(
    name="trust-not-updated",
    severity=Severity.ERROR,
    says="a plan of introduce leaves a place unchanged that should get both PEMs",
    check=check,
    judges=Judges.FACTS,
    needs=Needs.PHASE,
    subject=Subject.RUN,
)
