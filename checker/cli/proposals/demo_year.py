"""`tfcert demo --propose`: a year with the bot, on an embedded AWS and an embedded forge."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from checker.cli import output
from checker.cli.children import own_command, own_environment
from checker.demo.emulator import Emulator
from checker.demo.forge import REPOSITORY, DemoForge
from checker.demo.story import copy_configuration, seed_recorded
from checker.demo.year import apply_introduce, apply_repoint, apply_retire
from checker.errors import TfcertError, UsageError
from checker.patches.patch import unified_diff

_SECONDS = 120
_BACKEND = "https://orders.backend.example"
_ROOT = "live"


class _Year(Struct, frozen=True, kw_only=True):
    """The setting: a checkout, an emulated AWS, a forge, and the first day."""

    folder: Path
    aws: Emulator
    forge: DemoForge
    environment: Mapping[str, str]
    start: datetime

    def show(self, text: str) -> None:
        output.write(f"{text}\n".encode())

    def date(self, day: int) -> datetime:
        return self.start + timedelta(days=day)

    def run(self, day: int) -> None:
        """Run the bot on a day of the year, as its schedule does."""
        known = len(self.forge.requests)
        arguments = ("propose", "github", "--recursive", "--as-of", f"{self.date(day):%Y-%m-%d}")
        self.show(f"\n$ tfcert {shlex.join(arguments)}   # day {day}")
        try:
            done = subprocess.run(  # noqa: S603 -- our own command
                own_command(*arguments),
                cwd=self.folder,
                env=dict(self.environment),
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TfcertError(f"tfcert did not run: {error}", remedy="run it again") from error
        output.write(done.stdout + done.stderr)
        if done.returncode:
            raise TfcertError(
                f"tfcert ended with {done.returncode}",
                remedy="its output is above; please report it",
            )
        for request in self.forge.requests[known:]:
            first, second = request.body.split("\n\n")[:2]
            self.show(f"\n  #{request.number} {request.title}\n  {first}\n  {second}\n")
            before, after = self.forge.files(), self.forge.files(request.branch)
            for path, data in sorted(after.items()):
                if data != before.get(path):
                    output.write(unified_diff(path, before.get(path), data))

    def merge(self) -> None:
        """Merge the open request, and pull the base branch into the checkout."""
        for request in self.forge.open:
            self.show(f"\n--- a reviewer merges #{request.number}")
            self.forge.merge(request.number)
        for path, data in self.forge.files().items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(data)


def run_year(folder: str | None) -> None:
    """Run the demo; raises TfcertError if a step fails."""
    place = Path(folder) if folder is not None else Path(tempfile.mkdtemp(prefix="tfcert-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    if any(place.iterdir()):
        raise UsageError("not empty", where=str(place), remedy="name a new folder")
    root = place / _ROOT
    root.mkdir()
    # tfcert takes the folder with .git for the root of the repository.
    (place / ".git").mkdir()
    copy_configuration(root, _BACKEND)
    files = {f"{_ROOT}/{file.name}": file.read_bytes() for file in sorted(root.glob("*.tf"))}
    with Emulator() as aws, DemoForge(files) as forge:
        seed_recorded(aws, root, _BACKEND, days=365)
        environment = own_environment(aws.environment(os.environ), folder=str(place)) | {
            "GITHUB_API_URL": forge.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": "demo",
        }
        year = _Year(
            folder=place,
            aws=aws,
            forge=forge,
            environment=environment,
            start=datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0),
        )
        year.show(
            f"An embedded AWS listens on {aws.endpoint}, an embedded forge on {forge.url}. "
            f"The checkout is {place}.\nOne certificate was made today and ends in 365 days. "
            "The bot runs every day; these are the days on which something happens."
        )
        _tell(year, root)


def _tell(year: _Year, root: Path) -> None:
    year.run(1)
    year.show("\n--- ten months pass")
    year.run(306)
    year.run(307)
    year.merge()
    year.run(308)
    year.show("\n--- the plan is applied, and the backends get the new PEM beside the old one")
    apply_introduce(year.aws, root, year.date(308))
    year.run(309)
    year.show("\n--- the trust window of three days ends")
    year.run(312)
    year.merge()
    year.show("\n--- the plan is applied: three stages present the new certificate")
    apply_repoint(year.aws, root)
    year.run(313)
    year.merge()
    year.show("\n--- the plan is applied: the old certificate is gone")
    apply_retire(year.aws, root)
    year.run(314)
    merged = sum(each.state == "merged" for each in year.forge.requests)
    year.show(
        f"\nRequests: {merged} merged, {len(year.forge.open)} open. "
        "The new certificate ends a year after it was made, and the bot begins again."
    )
