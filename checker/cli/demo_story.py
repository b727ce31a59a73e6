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
class _Demo:
    """The setting of the demo: a folder, an emulated AWS, and an environment that points to it."""

    folder: Path
    aws: Emulator
    backend: DemoBackend
    environment: Mapping[str, str]

    def show(self, text: str) -> None:
        output.write(f"{text}\n".encode())

    def tfcert(self, *arguments: str, expected: Sequence[int] = (0,)) -> bytes:
        """Run tfcert as a user would, show the command and its output, and return the output."""
        self.show(f"\n$ tfcert {shlex.join(arguments)}")
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
            self.show(f"  {shown.stage:<14} presents {shown.certificate_id or 'nothing'} ({left})")

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
        demo = _Demo(folder=place, aws=aws, backend=backend, environment=environment)
        demo.show(f"An embedded AWS listens on {aws.endpoint}. The configuration is in {place}.")
        copy_configuration(place, backend.url)
        if found is not None:
            _for_real(demo, found)
        else:
            _recorded(demo)


def _recorded(demo: _Demo) -> None:
    seed_recorded(demo.aws, demo.folder, demo.backend.url)
    demo.show(
        f"Two APIs, three stages, one shared certificate with {DAYS_LEFT} days left; AWS says:"
    )
    demo.show_stages()
    demo.tfcert("check", "terraform.tfstate", expected=(1,))
    demo.tfcert("patch", "terraform.tfstate", "--phase", "all")
    demo.show(f"\n--- introduce is written, and was applied {SUCCESSOR_AGE.days} days ago")
    demo.tfcert("patch", "terraform.tfstate", "--write")
    seed_successor(demo.aws, demo.folder)
    _probe(demo, CERTIFICATE_ID, SUCCESSOR_ID, "terraform.tfstate")
    demo.show(
        f"""
What to type next (the emulator ends with this command, so --offline):
  cd {shlex.quote(str(demo.folder))}
  tfcert check terraform.tfstate --offline --format json
  tfcert patch terraform.tfstate --offline --phase all --out patches   # each phase and RUNBOOK.md
With terraform or tofu installed, `tfcert demo --apply` runs the whole rotation for real."""
    )


# Only one of the two APIs has a backend here; the other method could change something.
_PROBE = ("--stage", "aws_api_gateway_stage.orders", "--method", "GET /", "--yes")


def _probe(demo: _Demo, old: str, new: str, *sources: str) -> None:
    """Ask the backend of orders: it refuses the successor, until its PEM is there."""
    demo.trust(old)
    demo.show("\nThe backend of orders trusts the old certificate only. Ask it:")
    demo.tfcert("probe", *sources, *_PROBE, expected=(1,))
    demo.show(f"\nIts team adds the PEM of {new}, beside the old one. Ask it again:")
    demo.trust(old, new)
    demo.tfcert("probe", *sources, *_PROBE)


def _for_real(demo: _Demo, tool: Tool) -> None:
    demo.aws.clock.advance(days=DAYS_LEFT - 365, hours=1)
    demo.show(f"\n$ {tool.name} init && {tool.name} apply   # {365 - DAYS_LEFT} days ago")
    _tool(demo, tool, "init", "-input=false")
    _tool(demo, tool, "apply", "-input=false", "-auto-approve")
    demo.aws.clock.run()
    demo.show("Today:")
    demo.show_stages()
    demo.tfcert("check", expected=(1,))
    for number, phase in enumerate(_PHASES, start=1):
        if phase == "repoint":
            _probe(demo, *certificates_by_age(demo.aws))
        demo.show(f"\n--- apply {number} of 3: {phase}")
        demo.tfcert("patch", "--write")
        demo.show(
            f"\n$ {tool.name} plan -out plan.bin && {tool.name} show -json plan.bin > plan.json"
        )
        _tool(demo, tool, "plan", "-input=false", "-out=plan.bin")
        (demo.folder / "plan.json").write_bytes(_tool(demo, tool, "show", "-json", "plan.bin"))
        demo.tfcert("check", "plan.json", "--expect", phase)
        # The trust window lies between introduce and repoint.
        introducing = phase == "introduce"
        when = f"   # {SUCCESSOR_AGE.days} days ago" if introducing else ""
        demo.show(f"\n$ {tool.name} apply plan.bin{when}")
        if introducing:
            demo.aws.clock.advance(days=-SUCCESSOR_AGE.days)
        _tool(demo, tool, "apply", "-input=false", "plan.bin")
        demo.aws.clock.run()
        demo.show_stages()
    demo.tfcert("check")
    demo.tfcert("patch")


def _tool(demo: _Demo, tool: Tool, *arguments: str) -> bytes:
    color = ["-no-color"] if arguments[0] != "show" else []
    return demo.run([tool.path, *arguments[:1], *color, *arguments[1:]], (0,), quiet=True)
