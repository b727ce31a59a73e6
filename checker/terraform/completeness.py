"""Check that a plan is complete: a filtered plan looks like one with fewer changes.

Terraform lists every managed resource instance in `resource_changes`, including those without a
change. It writes the values after the plan into `planned_values`, and those before it into
`prior_state`. Three kinds of plan leave out instances by design:

- a plan with `-target` (`complete` is false);
- a plan that ended in an error (`errored`);
- a `-refresh-only` plan, which lists no changes and no planned values.

Their instances are judged from the prior state. Terraform before 1.8 and OpenTofu do not write
`complete`. Then only a plan that contradicts itself is refused.

Source: terraform internal/command/jsonplan/plan.go and values.go (`marshalPlannedValues` is made
from the changes), and plans of 1.11.4 with each of these options.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import UNSET, Raw

from checker.model.address import Address
from checker.model.plan import Action
from checker.model.resource_types import ACM_CERTIFICATE, CERTIFICATES, HOLDERS, KEPT, STAGES
from checker.terraform.changes import Change
from checker.terraform.decode import JsonPath, items, members
from checker.terraform.plan_configuration import PlanConfiguration
from checker.terraform.records import Record, shown_records
from checker.terraform.schema import Envelope, check_levels, is_small, read_values
from checker.terraform.stages import PRESENTED

WHOLE = (
    "pass the whole plan as `terraform show -json PLANFILE` prints it: nothing may be "
    "filtered out of it (by jq, for instance)"
)
_NEEDS_AFTER = frozenset(
    {Action.NO_OP, Action.CREATE, Action.UPDATE, Action.REPLACE, Action.REPLACE_CREATE_FIRST}
)
_NEEDS_BEFORE = frozenset(
    {
        Action.NO_OP,
        Action.UPDATE,
        Action.DELETE,
        Action.REPLACE,
        Action.REPLACE_CREATE_FIRST,
        Action.FORGET,
    }
)
_EMPTY = (
    "has no change and no recorded state, but its configuration declares stages or client "
    "certificates"
)


def check_changes(found: Envelope, raw: Raw | None, json_path: JsonPath) -> None:
    """Raise UnreadableError for a duplicate entry of `resource_changes` or a duplicate property."""
    at = json_path.key("resource_changes")
    relevant = [
        (index, entry) for index, entry in enumerate(found.resource_changes or ()) if entry.type
    ]
    seen: set[tuple[str, str | None]] = set()
    for index, entry in relevant:
        if entry.mode == "managed" and (entry.address, entry.deposed) in seen:
            raise at.item(index).unreadable(
                "is a second change of the same resource instance", WHOLE
            )
        seen.add((entry.address, entry.deposed))
    texts = items(raw, at) if relevant and raw is not None else []
    if raw is not None and is_small(raw):
        check_levels(raw, at, ())
    for index, entry in relevant:
        here = at.item(index)
        members(texts[index], here)
        for side, value in members(entry.change, here.key("change")).items():
            if side in _SIDES and bytes(memoryview(value)[:1]) == b"{":
                members(value, here.key("change").key(side))


_SIDES = frozenset({"before", "after", "after_unknown", "before_sensitive", "after_sensitive"})


def check_whole(
    found: Envelope,
    every: Sequence[Change],
    recorded: Sequence[Record],
    configuration: PlanConfiguration,
    json_path: JsonPath,
) -> None:
    """Raise UnreadableError that names the part that was filtered out of a plan.

    `every` includes deployments and APIs. `recorded` are the records of the prior state alone.
    """
    changes = [change for change in every if change.type in HOLDERS]
    if found.complete is not UNSET:
        _check_state_is_there(found, every, json_path)
        _check_attributes(changes, recorded, json_path)
    listed = {
        address
        for change in changes
        if change.deposed is None
        for address in (change.address, change.formerly)
    }
    planned = () if found.planned_values is UNSET else _planned(found.planned_values, json_path)
    _check_listed((record.address for record in planned), listed, "planned_values", json_path)
    if (
        found.planned_values is UNSET
        and found.resource_changes
        and (listed or found.complete is not UNSET)
    ):
        raise json_path.key("planned_values").unreadable(
            "is missing: something was cut out of this plan", WHOLE
        )
    if _is_whole(found):
        _check_against_prior(found, changes, listed, recorded, json_path)
        _check_declared(found, configuration, listed, json_path)


def _check_against_prior(
    found: Envelope,
    changes: Sequence[Change],
    listed: set[Address],
    recorded: Sequence[Record],
    json_path: JsonPath,
) -> None:
    """Raise UnreadableError if changes and prior state do not have the same instances."""
    prior = [record for record in recorded if record.type in HOLDERS and not record.address.data]
    _check_listed(
        (record.address for record in prior if record.deposed is None),
        listed,
        "prior_state",
        json_path,
    )
    _check_prior(
        changes,
        {(record.address, record.deposed) for record in prior},
        _prior_path(found, json_path),
    )


def _check_declared(
    found: Envelope, configuration: PlanConfiguration, listed: set[Address], json_path: JsonPath
) -> None:
    """Raise UnreadableError if a declared single instance has no change."""
    if not _plans_something(found):
        return
    for block in configuration.single_blocks(HOLDERS - {ACM_CERTIFICATE}):
        if all(address.block != block for address in listed):
            raise json_path.key("resource_changes").unreadable(
                f"lacks {block}, which the configuration declares: something was cut out of "
                "this plan",
                WHOLE,
            )


def why_empty(
    found: Envelope, recorded: Sequence[Record], configuration: PlanConfiguration
) -> str | None:
    """Return why a plan without changes and state cannot be judged; None if it can.

    It may be a `-refresh-only` plan of an empty state, or any plan with everything filtered out.
    """
    known = any(record.type in KEPT for record in recorded)
    if found.resource_changes or known or _plans_something(found) or found.errored is True:
        return None
    return (
        _EMPTY
        if next(iter(configuration.single_blocks(HOLDERS - {ACM_CERTIFICATE})), None) is not None
        else None
    )


def _is_whole(found: Envelope) -> bool:
    """Return whether Terraform marks the plan as complete and the plan is not `-refresh-only`.

    A `-refresh-only` plan lists nothing.
    """
    return (
        found.complete is True
        and found.errored is not True
        and (bool(found.resource_changes) or _plans_something(found))
    )


def _plans_something(found: Envelope) -> bool:
    return found.planned_values is not UNSET and b'"resources"' in bytes(found.planned_values)


def _planned(values: Raw, json_path: JsonPath) -> list[Record]:
    at = json_path.key("planned_values")
    records = shown_records(read_values(values, at), at, planned=True)
    return [
        record
        for record in records
        if record.type in HOLDERS and not record.address.data and record.deposed is None
    ]


def _check_listed(
    value: Iterable[Address], listed: set[Address], where: str, json_path: JsonPath
) -> None:
    missing = [address for address in dict.fromkeys(value) if address not in listed]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise json_path.key("resource_changes").unreadable(
            f"lacks {missing[0]}{more}, which {where} contains: something was cut out of this plan",
            WHOLE,
        )


def _check_prior(
    changes: Iterable[Change], known: set[tuple[Address, str | None]], at: JsonPath
) -> None:
    for change in _relevant(changes):
        if change.before is None or change.imported:
            continue
        if known.isdisjoint({(change.address, change.deposed), (change.formerly, change.deposed)}):
            what = (
                f"lacks {change.address}, which was there before the plan"
                if known
                else "is missing or empty"
            )
            raise at.unreadable(f"{what}: something was cut out of this plan", WHOLE)


def _check_state_is_there(found: Envelope, every: Iterable[Change], json_path: JsonPath) -> None:
    """Raise UnreadableError for a plan whose prior state was cut out.

    Terraform writes the prior state into a plan with `-target` too. An object that existed before
    the plan shows that the state is missing.
    """
    if found.prior_state is not None:
        return
    for change in every:
        if change.before is not None and not change.imported and not change.address.data:
            raise json_path.key("prior_state").unreadable(
                f"is missing or empty, and {change.address} was there before the plan: something "
                "was cut out of this plan",
                WHOLE,
            )


def _prior_path(found: Envelope, json_path: JsonPath) -> JsonPath:
    at = json_path.key("prior_state")
    return at if found.prior_state is None else at.key("values")


def _check_attributes(
    changes: Sequence[Change], recorded: Sequence[Record], json_path: JsonPath
) -> None:
    """Raise UnreadableError for an attribute that was cut out.

    An unknown value is marked in `after_unknown`. Every other value is in the plan, even null.
    """
    for change in _relevant(changes):
        for side, needed, record in (
            ("before", _NEEDS_BEFORE, change.before),
            ("after", _NEEDS_AFTER, change.after),
        ):
            if record is None and change.action in needed:
                raise json_path.key("resource_changes").unreadable(
                    f"has no `{side}` for {change.address}: something was cut out of this plan",
                    WHOLE,
                )
    sides = (
        side
        for change in _relevant(changes)
        for side in (change.before, change.after)
        if side is not None
    )
    for record in (*sides, *recorded):
        name = _needed(record)
        if (
            name is not None
            and not record.awaits(name)
            and name not in members(record.attributes, record.json_path)
        ):
            raise record.json_path.key(name).unreadable(
                f"is missing for {record.address}, and not marked as unknown: something was cut "
                "out of this plan",
                WHOLE,
            )


def _relevant(changes: Iterable[Change]) -> Iterator[Change]:
    return (change for change in changes if change.type in HOLDERS)


def _needed(record: Record) -> str | None:
    """Return the attribute that a stage or a certificate cannot be judged without."""
    if record.type in STAGES:
        return PRESENTED
    if record.type in CERTIFICATES:
        return "client_certificate_id" if record.type.startswith("awscc_") else "id"
    return None
