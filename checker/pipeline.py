"""The whole run on one screen: read, observe, judge, plan, patch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from checker.analysis.cases import build_cases
from checker.analysis.certificate_uses import certificate_uses, stage_key
from checker.model.cases import Cases
from checker.model.inventory import Inventory
from checker.model.observation import CertificateKey, Drift, Observations
from checker.model.outcome import Outcome
from checker.model.places import Place
from checker.model.policy import ReadTrust, Run
from checker.model.resources import Stage
from checker.model.rotation import Phase, Rotation, sort_rotations
from checker.rotation.planner import plan_rotations, surveys_needed
from checker.rules import judge

if TYPE_CHECKING:
    from checker.hcl.configuration import Configuration
    from checker.model.inventory import ScanResult
    from checker.model.trust import ProbeEvidence
    from checker.patches.patch import Patches
    from checker.rotation.trust_bundle import TrustedCertificate

# The arguments: certificates, places to survey, all recorded stages, and those to ask about.
Observe = Callable[
    [Collection[CertificateKey], Collection[Place], Collection[Stage], Collection[Stage]],
    Observations,
]

# Call the backends of the stages of these rotations, or read the report of a probe of them.
Probe = Callable[[Cases, tuple[Rotation, ...]], "tuple[ProbeEvidence, ...]"]


class Loaded(Struct, frozen=True, kw_only=True):
    """The documents, and the configuration beside each, in order; None if there is none."""

    inventory: Inventory
    configurations: tuple[Configuration | None, ...]


class PatchRequest(Struct, frozen=True, kw_only=True):
    """The request of `patch`: one phase, every phase, or what is safe now; for which certificates.

    With `trust_bundle`, introduce also edits the places that pass the PEM on.
    """

    phase: Phase | None = None
    every: bool = False
    only: frozenset[str] = frozenset()
    name: str | None = None
    even_if_not_due: bool = False
    trust_bundle: bool = False


def check(
    inventory: Inventory, observe: Observe | None, run: Run, probe: Probe | None = None
) -> Outcome:
    """Judge the inventory; without `observe`, AWS is not called and the recorded dates are used.

    Without `probe`, no backend is called.
    """
    cases = _probed(_cases(inventory, observe, run), probe)
    return _outcome(inventory, cases, plan_rotations(cases))


def patch(
    inventory: Inventory,
    configuration: Configuration,
    observe: Observe | None,
    run: Run,
    wish: PatchRequest,
    probe: Probe | None = None,
) -> tuple[Outcome, Patches]:
    """Judge, and write the requested phases of every rotation that can be written."""
    # Imported here: `check` does not edit text.
    from checker.patches.write import write_patches
    from checker.rotation.planner import choose_rotations

    cases = _probed(_cases(inventory, observe, run), probe)
    rotations = plan_rotations(cases, name=wish.name, even_if_not_due=wish.even_if_not_due)
    if wish.phase is Phase.ROLLBACK:
        rotations = tuple(replace(rotation, step=rotation.back) for rotation in rotations)
    asked_for = tuple(choose_rotations(cases, rotations, wish.only))
    patches = write_patches(
        configuration, asked_for, wish.phase, every=wish.every, trust_bundle=wish.trust_bundle
    )
    return _outcome(inventory, cases, patches.rotations), patches


def preview(
    outcome: Outcome, configurations: Sequence[Configuration | None]
) -> tuple[Outcome, tuple[tuple[Configuration, Patches], ...]]:
    """Write every phase that a check found due, as a preview, for each available configuration.

    `configurations` has one entry for each document, in order. The rotations of the outcome include
    the result: if an edit cannot be proven, the rotation is blocked.
    """
    # Imported here: a check without patches does not edit text.
    from checker.patches.write import write_patches

    cases = outcome.cases
    homes = {found.root: found for found in configurations if found is not None}
    written: list[tuple[Configuration, Patches]] = []
    rotations: list[Rotation] = []
    for root, home in ((None, None), *homes.items()):
        near = zip(cases.documents, configurations, strict=True)
        documents = tuple(
            part for part, found in near if (found.root if found is not None else None) == root
        )
        own = plan_rotations(replace(cases, documents=documents))
        if home is None:
            rotations += own
            continue
        patches = write_patches(home, own, None, every=True)
        written.append((home, patches))
        rotations += patches.rotations
    return replace(outcome, rotations=sort_rotations(rotations)), tuple(written)


def scan(scanned: ScanResult, recorded: Inventory | None, run: Run) -> Outcome:
    """Judge the result of a scan; `recorded` decides which resources Terraform manages."""
    # Imported here: only `scan` reads a whole account.
    from checker.analysis.scan_inventory import scan_to_inventory
    from checker.rotation.manual import manual_rotations

    inventory, observations = scan_to_inventory(scanned, recorded, run.policy.tags)
    cases = build_cases(inventory, observations, as_of=run.as_of, policy=run.policy)
    return replace(
        _outcome(inventory, cases, plan_rotations(cases)), manual=manual_rotations(cases)
    )


def bundle(
    inventory: Inventory, observe: Observe | None, run: Run
) -> tuple[Outcome, tuple[TrustedCertificate, ...]]:
    """Judge, and return the certificates that the backends must trust now."""
    from checker.rotation.trust_bundle import trusted_certificates

    cases = _cases(inventory, observe, run)
    rotations = plan_rotations(cases)
    return _outcome(inventory, cases, rotations), trusted_certificates(cases, rotations)


def _cases(inventory: Inventory, observe: Observe | None, run: Run) -> Cases:
    observations = Observations(asked=False)
    if observe is not None:
        # Imported here: it is not needed offline.
        from checker.rotation.unmanaged import keys_needed

        wanted = {
            subject.key: None
            for document in inventory.documents
            for subject in certificate_uses(document)
            if subject.key is not None
        }
        wanted |= dict.fromkeys(keys_needed(inventory))
        drifting = _drifting(inventory, run)
        observations = _with_not_asked(
            observe(
                tuple(wanted),
                surveys_needed(inventory, run.policy, run.as_of),
                inventory.stages,
                drifting,
            ),
            inventory,
            drifting,
            run.drift,
        )
    cases = build_cases(
        inventory, observations, as_of=run.as_of, policy=run.policy, expect=run.expect
    )
    return cases if run.trust is None else _trusting(cases, run.trust)


def _trusting(cases: Cases, read: ReadTrust) -> Cases:
    """Return the cases with what the consumers of the PEMs of all rotations have now."""
    # Imported here: only --trust reads them.
    from checker.rotation.held_evidence import followed, with_held

    held = read(
        [
            (document.source.path, material)
            for document, material in followed(cases, plan_rotations(cases))
        ]
    )
    # What AWS has now counts, not what a document recorded; also where AWS does not answer.
    answered = {(each.document, each.consumer) for each in held}
    recorded = (each for each in cases.held if (each.document, each.consumer) not in answered)
    return replace(cases, held=(*held, *recorded), policy=with_held(cases.policy, held))


def _probed(cases: Cases, probe: Probe | None) -> Cases:
    return cases if probe is None else replace(cases, probed=probe(cases, plan_rotations(cases)))


def plan(inventory: Inventory, observe: Observe | None, run: Run) -> Outcome:
    """Plan the rotations, without a judgement: what `tfcert probe` needs to know."""
    cases = _cases(inventory, observe, run)
    return Outcome(cases=cases, findings=(), rotations=plan_rotations(cases))


def _drifting(inventory: Inventory, run: Run) -> Collection[Stage]:
    """Return the recorded stages for which AWS is asked what they present now."""
    match run.drift:
        case Drift.ALL:
            return inventory.stages
        case Drift.DUE:
            # Imported here: by default, every stage is asked for.
            from checker.rotation.planner import stages_due

            return stages_due(inventory, run.policy, run.as_of)
        case Drift.NONE | None:
            return ()


def _with_not_asked(
    observations: Observations,
    inventory: Inventory,
    drifting: Collection[Stage],
    drift: Drift | None,
) -> Observations:
    """Return the observations with the stages that `--drift` left out, and a notice about them."""
    if drift in {None, Drift.ALL}:
        return observations
    asked = set(map(stage_key, drifting))
    left_out = frozenset(
        key for stage in inventory.stages if (key := stage_key(stage)) not in asked and key
    )
    if not left_out:
        return observations
    count = f"{len(left_out)} stage{'s' if len(left_out) > 1 else ''}"
    notice = f"AWS was not asked what {count} present now (--drift {drift}): the record counts"
    return replace(observations, not_asked=left_out, notices=(*observations.notices, notice))


def _outcome(inventory: Inventory, cases: Cases, rotations: tuple[Rotation, ...]) -> Outcome:
    notices = tuple(
        f"{document.source.path}: {notice}"
        for document in inventory.documents
        for notice in document.notices
    )
    return Outcome(
        cases=cases,
        findings=judge(cases),
        rotations=rotations,
        notices=(*inventory.notices, *notices, *cases.observations.notices),
    )
