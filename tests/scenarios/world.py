"""A world for tests: configuration files, matching state, answers of AWS, and a simulated apply."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings

from checker.hcl.configuration import Configuration
from checker.model.address import Address, parse
from checker.model.inventory import Document, Inventory, Source
from checker.model.observation import (
    CertificateKey,
    Found,
    Gone,
    Observations,
    ObservedStage,
    Surveyed,
)
from checker.model.outcome import Outcome
from checker.model.places import Place
from checker.model.policy import Policy, Run
from checker.model.resources import Certificate, Presents, PresentsNothing, Stage, StageKind
from checker.model.rotation import Phase, Rotation
from checker.patches.patch import Patches
from checker.pipeline import PatchRequest, check, patch
from checker.terraform.configuration import read_configuration

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOME = Place("aws", "123456789012", "us-east-1")
CERTIFICATE = "aws_api_gateway_client_certificate"
STAGE = "aws_api_gateway_stage"
# The age in days of a successor when the next phase is asked for: longer than the trust window.
AGED = 4

bounded = settings(
    deadline=None,
    max_examples=60,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def days(count: float, since: datetime = NOW) -> datetime:
    return since + timedelta(days=count)


@dataclass(kw_only=True)
class World:
    """Certificates and stages by address, as state and AWS have them; `elsewhere` has stages
    outside Terraform.
    """

    folder: Path
    certificates: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str | None] = field(default_factory=dict)
    ends: dict[str, datetime] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    now: datetime = NOW

    def inventory(self) -> Inventory:
        found = read_configuration(str(self.folder), "")
        return Inventory(
            documents=(
                Document(
                    source=Source(path="state.json", kind="state"),
                    stages=tuple(map(self.stage, self.stages)),
                    certificates=tuple(map(self.certificate, self.certificates)),
                    declared=found[1] if found is not None else None,
                ),
            )
        )

    def configuration(self) -> Configuration:
        found = read_configuration(str(self.folder), "")
        assert found is not None
        return found[0]

    def certificate(self, address: str) -> Certificate:
        identity = self.certificates[address]
        return Certificate(
            address=parse(address),
            id=identity,
            place=HOME,
            expires_at=self.end(identity),
        )

    def stage(self, address: str) -> Stage:
        identity = self.stages[address]
        return Stage(
            address=parse(address),
            kind=StageKind.WEBSOCKET if "v2" in address else StageKind.REST,
            api_id="api1",
            name=address,
            place=HOME,
            presents=Presents(identity) if identity else PresentsNothing(),
        )

    def end(self, identity: str) -> datetime:
        return self.ends.get(identity, days(12))

    def observe(
        self,
        certificates: Collection[CertificateKey],
        places: Collection[Place],
        stages: Collection[Stage],
        drift: Collection[Stage] = (),
    ) -> Observations:
        assert set(drift) <= set(stages)
        known = {*self.certificates.values(), *self.ends}
        shown = [
            (name, identity)
            for name, identity in {**self.stages, **self.elsewhere}.items()
            if identity
        ]
        assert all(stage.address is not None for stage in stages)
        seen = tuple(
            ObservedStage(kind=StageKind.REST, api_id="api1", name=name, certificate_id=identity)
            for name, identity in shown
        )
        return Observations(
            asked=True,
            certificates={
                key: Found(
                    expires_at=self.end(key.id), created_at=self.end(key.id) - timedelta(days=365)
                )
                if key.id in known
                else Gone()
                for key in certificates
            },
            surveys={place: Surveyed(seen) for place in places},
        )

    def ask(self, *, offline: bool = False, **wish: object) -> tuple[Outcome, Patches]:
        run = Run(as_of=self.now, policy=Policy())
        return patch(
            self.inventory(),
            self.configuration(),
            None if offline else self.observe,
            run,
            PatchRequest(**wish),
        )  # type: ignore[arg-type]

    def judge(self, *, offline: bool = False) -> Outcome:
        return check(
            self.inventory(),
            None if offline else self.observe,
            Run(as_of=self.now, policy=Policy()),
        )

    def write(self, patches: Patches, number: int = 0) -> None:
        for change in patches.patches[number].changes:
            path = self.folder / change.path
            assert (path.read_bytes() if path.exists() else None) == change.before
            path.write_bytes(change.after)

    def apply(self, phase: Phase, rotations: Collection[Rotation]) -> None:
        """Change state and AWS as Terraform would by applying this phase of these rotations."""
        for rotation in rotations:
            assert rotation.successor is not None
            if rotation.predecessor is None:
                self.apply_literal(phase, rotation.label, rotation.successor)
                continue
            pairs = {
                address: str(
                    Address(
                        rotation.successor.type,
                        rotation.successor.name,
                        parse(address).key,
                        parse(address).modules,
                    )
                )
                for address in self.certificates
                if parse(address).block == rotation.predecessor
            }
            for number, (old, new) in enumerate(sorted(pairs.items())):
                match phase:
                    case Phase.INTRODUCE:
                        identity = f"{rotation.successor.name}{number}"
                        self.certificates[new] = identity
                        self.ends[identity] = days(365 - AGED, self.now)
                    case Phase.REPOINT:
                        for stage, presented in self.stages.items():
                            if presented == self.certificates[old]:
                                self.stages[stage] = self.certificates[new]
                    case Phase.RETIRE:
                        self.ends.pop(self.certificates.pop(old), None)

    def apply_literal(self, phase: Phase, old: str, successor: Address) -> None:
        """Apply a phase of a rotation whose predecessor is outside Terraform; Terraform never
        deletes that one.
        """
        if phase is Phase.INTRODUCE:
            self.certificates[str(successor)] = successor.name
            self.ends[successor.name] = days(365 - AGED, self.now)
        if phase is Phase.REPOINT:
            self.stages = {
                stage: successor.name if shown == old else shown
                for stage, shown in self.stages.items()
            }


def lay(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def world(folder: Path, files: Mapping[str, str | bytes], **state: object) -> World:
    """Return a world with one certificate and one stage, unless `state` overrides them."""
    lay(folder, files)
    given = {
        "certificates": {f"{CERTIFICATE}.orders": "old000"},
        "stages": {f"{STAGE}.prod": "old000"},
        **state,
    }
    return World(folder=folder, **given)  # type: ignore[arg-type]


def git(folder: Path, *arguments: str, data: bytes | None = None) -> bytes:
    """Run git without the user's own configuration."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=data,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


BASE = f"""\
resource "{CERTIFICATE}" "orders" {{
  description = "orders"
}}

resource "{STAGE}" "prod" {{
  stage_name            = "prod"
  client_certificate_id = {CERTIFICATE}.orders.id
}}
"""
