"""The demo as a user sees it: each command with its output, and what to type next."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from checker.cli import output
from checker.cli.children import own_command, own_environment
from checker.demo.backend import DemoBackend
from checker.demo.emulator import Emulator
from checker.demo.story import (
    CERTIFICATE_ID,
    DAYS_LEFT,
    SUCCESSOR_AGE,
    SUCCESSOR_ID,
    certificates_by_age,
    copy_configuration,
    list_presented,
    pem_of,
    seed_recorded,
    seed_successor,
)
from checker.errors import TfcertError, UsageError
from checker.terraform.tool import Tool, find_tool

_SECONDS = 300
_PHASES = ("introduce", "repoint", "retire")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """The setting of the demo: a folder, an emulated AWS, and an environment that points to it."""

    folder: Path
    aws: Emulator
    backend: DemoBackend
    environment: Mapping[str, str]

    def say(self, text: str) -> None:
        output.write(f"{text}\n".encode())

    def tfcert(self, *arguments: str, expected: Sequence[int] = (0,)) -> bytes:
        """Run tfcert as a user would, show the command and its output, and return the output."""
        self.say(f"\n$ tfcert {shlex.join(arguments)}")
        return self.run(own_command(*arguments), expected)

    def run(self, command: Sequence[str], expected: Sequence[int], *, quiet: bool = False) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 -- our own command, or the user's chosen tool
                command,
                cwd=self.folder,
                env=dict(self.environment),
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UsageError(
                f"{Path(command[0]).name} did not run: {error}",
                remedy="run the demo without --apply",
            ) from error
        if not quiet:
            output.write(done.stdout + done.stderr)
        if done.returncode not in expected:
            if quiet:
                output.write(done.stdout + done.stderr)
            raise TfcertError(
                f"{Path(command[0]).name} ended with {done.returncode}",
                remedy="its output is above; please report it",
            )
        return done.stdout

    def show_stages(self) -> None:
        for shown in list_presented(self.aws):
            left = (
                f"{shown.days_left} days left"
                if shown.days_left is not None
                else "not known to AWS"
            )
            self.say(f"  {shown.stage:<14} presents {shown.certificate_id or 'nothing'} ({left})")

    def trust(self, *certificate_ids: str) -> None:
        """Let the backend of orders trust these certificates and no others."""
        self.backend.trust(pem_of(self.aws, each) for each in certificate_ids)


def run_story(*, apply: bool, folder: str | None, tool: str | None) -> None:
    """Run the demo, recorded or with real applies; raises TfcertError if a step fails."""
    found = find_tool(tool, os.environ) if apply else None
    if apply and found is None:
        raise UsageError(
            "no terraform and no tofu on PATH",
            where="--apply",
            remedy="install one, or leave --apply out",
        )
    place = Path(folder) if folder is not None else Path(tempfile.mkdtemp(prefix="tfcert-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    if any(place.iterdir()):
        raise UsageError("not empty", where=str(place), remedy="name a new folder")
    with Emulator() as aws, DemoBackend() as backend:
        # The package may run from a checkout that is not installed; children must find it too.
        environment = own_environment(aws.environment(os.environ), folder=str(place)) | {
            "TF_IN_AUTOMATION": "1",
            "GOGC": "400",
        }
        stage = _Stage(folder=place, aws=aws, backend=backend, environment=environment)
        stage.say(f"An embedded AWS listens on {aws.endpoint}. The configuration is in {place}.")
        copy_configuration(place, backend.url)
        if found is not None:
            _for_real(stage, found)
        else:
            _recorded(stage)


def _recorded(stage: _Stage) -> None:
    seed_recorded(stage.aws, stage.folder, stage.backend.url)
    stage.say(
        f"Two APIs, three stages, one shared certificate with {DAYS_LEFT} days left; AWS says:"
    )
    stage.show_stages()
    stage.tfcert("check", "terraform.tfstate", expected=(1,))
    stage.tfcert("patch", "terraform.tfstate", "--phase", "all")
    stage.say(f"\n--- introduce is written, and was applied {SUCCESSOR_AGE.days} days ago")
    stage.tfcert("patch", "terraform.tfstate", "--write")
    seed_successor(stage.aws, stage.folder)
    _probe(stage, CERTIFICATE_ID, SUCCESSOR_ID, "terraform.tfstate")
    stage.say(
        f"""
What to type next (the emulator ends with this command, so --offline):
  cd {shlex.quote(str(stage.folder))}
  tfcert check terraform.tfstate --offline --format json
  tfcert patch terraform.tfstate --offline --phase all --out patches   # each phase and RUNBOOK.md
With terraform or tofu installed, `tfcert demo --apply` runs the whole rotation for real."""
    )


# Only one of the two APIs has a backend here; the other method could change something.
_PROBE = ("--stage", "aws_api_gateway_stage.orders", "--method", "GET /", "--yes")


def _probe(stage: _Stage, old: str, new: str, *sources: str) -> None:
    """Ask the backend of orders: it refuses the successor, until its PEM is there."""
    stage.trust(old)
    stage.say("\nThe backend of orders trusts the old certificate only. Ask it:")
    stage.tfcert("probe", *sources, *_PROBE, expected=(1,))
    stage.say(f"\nIts team adds the PEM of {new}, beside the old one. Ask it again:")
    stage.trust(old, new)
    stage.tfcert("probe", *sources, *_PROBE)


def _for_real(stage: _Stage, tool: Tool) -> None:
    stage.aws.clock.advance(days=DAYS_LEFT - 365, hours=1)
    stage.say(f"\n$ {tool.name} init && {tool.name} apply   # {365 - DAYS_LEFT} days ago")
    _tool(stage, tool, "init", "-input=false")
    _tool(stage, tool, "apply", "-input=false", "-auto-approve")
    stage.aws.clock.run()
    stage.say("Today:")
    stage.show_stages()
    stage.tfcert("check", expected=(1,))
    for number, phase in enumerate(_PHASES, start=1):
        if phase == "repoint":
            _probe(stage, *certificates_by_age(stage.aws))
        stage.say(f"\n--- apply {number} of 3: {phase}")
        stage.tfcert("patch", "--write")
        stage.say(
            f"\n$ {tool.name} plan -out plan.bin && {tool.name} show -json plan.bin > plan.json"
        )
        _tool(stage, tool, "plan", "-input=false", "-out=plan.bin")
        (stage.folder / "plan.json").write_bytes(_tool(stage, tool, "show", "-json", "plan.bin"))
        stage.tfcert("check", "plan.json", "--expect", phase)
        # The trust window lies between introduce and repoint.
        introducing = phase == "introduce"
        when = f"   # {SUCCESSOR_AGE.days} days ago" if introducing else ""
        stage.say(f"\n$ {tool.name} apply plan.bin{when}")
        if introducing:
            stage.aws.clock.advance(days=-SUCCESSOR_AGE.days)
        _tool(stage, tool, "apply", "-input=false", "plan.bin")
        stage.aws.clock.run()
        stage.show_stages()
    stage.tfcert("check")
    stage.tfcert("patch")


def _tool(stage: _Stage, tool: Tool, *arguments: str) -> bytes:
    color = ["-no-color"] if arguments[0] != "show" else []
    return stage.run([tool.path, *arguments[:1], *color, *arguments[1:]], (0,), quiet=True)
