"""Which of the rotations `--only` asks for."""

from __future__ import annotations

from collections.abc import Iterator

from checker.domain.address import Address, AddressError, parse, print_key
from checker.domain.case_values import Cases
from checker.domain.rotation import Blocked, Rotation
from checker.domain.value import replace


def chosen(cases: Cases, rotations: tuple[Rotation, ...], only: frozenset[str]) -> Iterator[Rotation]:
    """The rotations of the certificates named, by address or id; all of them where none is named.

    One instance out of several of a block comes out blocked: a copy of the block has all instances, and rotates them at once.
    """
    for rotation in rotations:
        if not only or {rotation.label, *rotation.predecessor_ids, *map(str, rotation.passed_over)} & only:
            yield _several(cases, rotation, only)
        elif _instances(rotation, only):
            yield _one_of_several(cases, rotation, _instances(rotation, only))


def _several(cases: Cases, rotation: Rotation, only: frozenset[str]) -> Rotation:
    """By an id that is one instance's, as by its address."""
    if not only or {rotation.label, *map(str, rotation.passed_over)} & only or rotation.predecessor is None:
        return rotation
    named = tuple(
        case.address
        for case in cases.all
        if case.address is not None and case.id in only and case.address.block == rotation.predecessor
    )
    return _one_of_several(cases, rotation, named)


def _instances(rotation: Rotation, only: frozenset[str]) -> tuple[Address, ...]:
    return tuple(
        address for text in sorted(only) if (address := _address(text)) is not None and address.block == rotation.predecessor
    )


def _address(text: str) -> Address | None:
    try:
        return parse(text)
    except AddressError:
        return None


def _one_of_several(cases: Cases, rotation: Rotation, named: tuple[Address, ...]) -> Rotation:
    all_of_it = {case.address for case in cases.all if case.address is not None and case.address.block == rotation.predecessor}
    if all_of_it <= set(named):
        return rotation
    first = named[0]
    return replace(
        rotation,
        step=Blocked(
            f"{first} is one of {len(all_of_it)} instances, and a copy of the block would rotate them all",
            f"rotate all of them (--only '{rotation.label}'), or this one by hand: add another key beside "
            f"{print_key(first.key) or 'it'}, apply, let its stage take the new key, apply, and take the old key away "
            "when no stage presents it",
        ),
    )
