"""Judge the root modules on the base branch's text: which rotation may take which phase now."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from checker.analysis.scoping import Scoping
from checker.cli.patch_result import exit_code, one_configuration
from checker.errors import TfcertError
from checker.forges.proposals.decide import Candidate, Judged, RequestGroup, RotationStatus
from checker.forges.proposals.marker import branch_names
from checker.hcl.configuration import Configuration
from checker.model.cases import Case
from checker.model.inventory import Inventory
from checker.model.outcome import Outcome
from checker.model.policy import WEEKDAYS, Grouping, Policy, ProposeSettings, Run
from checker.model.rotation import Blocked, Done, Next, Rotation, Waiting
from checker.patches.patch import Patches, PhasePatch
from checker.patches.write import write_patches
from checker.pipeline import Loaded, Observe, PatchRequest, patch
from checker.reports.proposal import deadline
from checker.rotation.sentences import step_in_words


class ProposedRoot(Struct, frozen=True, kw_only=True):
    """A configuration, judged: its folder in the repository, and its next patches.

    `folder` is empty for the root of the repository. `directories` are the folders whose states
    were read: the same one, or the Terragrunt units of the configuration.
    """

    folder: str
    directories: tuple[str, ...]
    loaded: Loaded
    configuration: Configuration
    outcome: Outcome
    patches: Patches

    @property
    def name(self) -> str:
        """Return the folder as requests name it."""
        return self.folder or "."

    @property
    def mixed(self) -> bool:
        """Return whether its rotations are in different phases, so that a plan may have several."""
        phases = {
            rotation.step.phase
            for rotation in self.patches.rotations
            if isinstance(rotation.step, Next)
        }
        begun = any(
            isinstance(rotation.step, Waiting) and rotation.introduced
            for rotation in self.patches.rotations
        )
        return len(phases) > 1 or (bool(phases) and begun)


class Judge:
    """Judges the configurations of one run, each with the same options.

    `base` is the folder with the base branch's text.
    """

    def __init__(
        self, observe: Observe | None, run: Run, *, group: Grouping | None, base: Path
    ) -> None:
        self._observe = observe
        self._run = run
        self._group = group
        self._base = base
        self.roots: list[ProposedRoot] = []
        self.failed: list[tuple[str, str]] = []

    def read(self, found: Sequence[tuple[str, Loaded]]) -> None:
        """Judge root modules; an error is kept, and does not stop the others.

        Units of Terragrunt that share a configuration are judged together, since its text changes
        for all of them: the state that lags behind decides.
        """
        together: dict[str, list[tuple[str, Loaded]]] = {}
        for directory, loaded in found:
            try:
                root = one_configuration(loaded).root
            except TfcertError as error:
                self.failed.append((directory, str(error)))
                continue
            together.setdefault(root, []).append((directory, loaded))
        for entries in together.values():
            directories = tuple(directory for directory, _ in entries)
            try:
                self.roots.append(self._judge(directories, [loaded for _, loaded in entries]))
            except TfcertError as error:
                self.failed.append((", ".join(directories), str(error)))

    def _judge(self, directories: tuple[str, ...], parts: Sequence[Loaded]) -> ProposedRoot:
        loaded = Loaded(
            inventory=Inventory(
                documents=tuple(each for part in parts for each in part.inventory.documents)
            ),
            configurations=tuple(each for part in parts for each in part.configurations),
        )
        configuration = one_configuration(loaded)
        outcome, patches = patch(
            loaded.inventory, configuration, self._observe, self._run, PatchRequest()
        )
        folder = Path(configuration.root).relative_to(self._base).as_posix()
        return ProposedRoot(
            folder="" if folder == "." else folder,
            directories=directories,
            loaded=loaded,
            configuration=configuration,
            outcome=outcome,
            patches=patches,
        )

    @property
    def stuck(self) -> bool:
        """Return whether something is blocked, or could not be verified or read."""
        return bool(self.failed) or any(
            exit_code(root.outcome, root.patches) for root in self.roots
        )

    def judged(self) -> Judged:
        """Return the candidates, and why the other rotations are none."""
        found: list[Candidate] = []
        statuses: dict[str, RotationStatus] = {}
        for root in self.roots:
            scoping = Scoping(root.outcome.cases)
            for rotation in root.patches.rotations:
                certificates = certificate_names(root.outcome, rotation)
                match rotation.step:
                    case Next() if certificates:
                        found.append(self._candidate(root, rotation, certificates, scoping))
                    case step:
                        unverified = isinstance(step, Waiting) and step.unverified
                        for each in certificates:
                            statuses[each] = RotationStatus(
                                reason=step_in_words(rotation), unverified=unverified
                            )
        branches: dict[tuple[str, object], str] = {}
        for phase in {each.phase for each in found}:
            firsts = [each.certificates[0] for each in found if each.phase is phase]
            names = branch_names(dict.fromkeys(firsts), phase)
            branches |= {(certificate, phase): name for certificate, name in names.items()}
        return Judged(
            candidates=tuple(
                replace(each, branch=branches[each.certificates[0], each.phase]) for each in found
            ),
            statuses=statuses,
            roots=frozenset(root.name for root in self.roots),
            unsure=frozenset(root.name for root in self.roots if root.outcome.unverified),
        )

    def settings(self, root: ProposedRoot, rotation: Rotation) -> ProposeSettings:
        """Return the settings of a rotation, by the scopes of its certificates."""
        return _settings(root.outcome, rotation, Scoping(root.outcome.cases))

    def _candidate(
        self,
        root: ProposedRoot,
        rotation: Rotation,
        certificates: tuple[str, ...],
        scoping: Scoping,
    ) -> Candidate:
        assert isinstance(rotation.step, Next)  # noqa: S101 -- for the type
        settings = _settings(root.outcome, rotation, scoping)
        today = WEEKDAYS[self._run.as_of.weekday()]
        by = deadline(rotation, rotation.step.phase)
        return Candidate(
            label=rotation.label,
            certificates=certificates,
            phase=rotation.step.phase,
            root=root.name,
            branch="",
            deadline=by,
            overdue=by is not None and by <= self._run.as_of,
            grouping=self._group or settings.group or Grouping.ROOT,
            scheduled=not settings.schedule or today in settings.schedule,
        )


def certificate_names(outcome: Outcome, rotation: Rotation) -> tuple[str, ...]:
    """Return the predecessor's certificates as REGION/ID, those that end first before others."""
    cases = {case.id: case for case in _cases(outcome, rotation) if case.id is not None}
    dated = sorted(
        rotation.predecessor_ids,
        key=lambda each: (str(cases[each].expires_at) if each in cases else "~", each),
    )
    return tuple(
        f"{(cases[each].subject.place.region if each in cases else None) or '-'}/{each}"
        for each in dated
    )


def _cases(outcome: Outcome, rotation: Rotation) -> Iterator[Case]:
    return (case for case in outcome.cases.all if case.id in rotation.predecessor_ids)


def _settings(outcome: Outcome, rotation: Rotation, scoping: Scoping) -> ProposeSettings:
    policy = outcome.cases.policy
    ids = set(rotation.predecessor_ids)
    found = [
        policy.under(matching).propose
        for part in outcome.cases.documents
        for case in part.cases
        if case.id in ids
        for matching in sorted(scoping.of_subject(part.document, case.subject))
    ] or [policy.propose]
    return replace(
        found[0],
        reviewers=tuple(dict.fromkeys(name for each in found for name in each.reviewers)),
        labels=tuple(dict.fromkeys(name for each in found for name in each.labels)),
    )


class GroupPatch(Struct, frozen=True, kw_only=True):
    """The patch of a group in one root module, and its changes by path in the repository."""

    root: ProposedRoot
    patch: PhasePatch
    changes: Mapping[str, tuple[bytes | None, bytes]]


def group_patches(group: RequestGroup, roots: Sequence[ProposedRoot]) -> tuple[GroupPatch, ...]:
    """Write the phase of a group for each of its root modules, as `patch --phase next` does.

    Raises TfcertError if the result is not exactly the phase of all members, or if two modules
    change one file differently.
    """
    found: list[GroupPatch] = []
    for name in group.roots:
        root = next(each for each in roots if each.name == name)
        labels = {each.label for each in group.members if each.root == name}
        # Rotations in another phase would be written first, into the text that this phase starts
        # from; they have a request of their own.
        made = write_patches(
            root.configuration,
            tuple(each for each in root.patches.rotations if each.label in labels),
            None,
            every=False,
            trust_bundle=False,
        ).patches
        if (
            len(made) != 1
            or made[0].phase is not group.phase
            or not made[0].on_disk
            or {each.label for each in made[0].rotations} != labels
        ):
            raise TfcertError(
                f"{group.phase} is not written for all of {', '.join(sorted(labels))}",
                where=name,
                remedy="run `tfcert patch` there",
            )
        changes = {
            posixpath.normpath(posixpath.join(root.folder, change.path)): (
                change.before,
                change.after,
            )
            for change in made[0].changes
        }
        _refuse_other_changes(found, changes)
        found.append(GroupPatch(root=root, patch=made[0], changes=changes))
    return tuple(found)


def _refuse_other_changes(
    found: Sequence[GroupPatch], changes: Mapping[str, tuple[bytes | None, bytes]]
) -> None:
    for other in found:
        for path, change in changes.items():
            if path in other.changes and other.changes[path] != change:
                raise TfcertError(
                    f"{other.root.name} changes it too, in another way",
                    where=path,
                    remedy="use --group root, and merge one request after the other",
                )


def status_lines(judge: Judge) -> Iterator[str]:
    """Yield a line for each rotation that has no next phase now, and for each failure."""
    for root in judge.roots:
        for rotation in root.patches.rotations:
            match rotation.step:
                case Blocked(remedy=remedy):
                    yield f"{root.name}: {rotation.label}: {step_in_words(rotation)} ({remedy})"
                case Waiting():
                    yield f"{root.name}: {rotation.label}: {step_in_words(rotation)}"
                case Next() | Done():
                    pass
    for directory, reason in judge.failed:
        yield f"{directory}: could not be read: {reason}"


def policy_of(root: ProposedRoot) -> Policy:
    """Return the policy that a root module was judged by."""
    return root.outcome.cases.policy
