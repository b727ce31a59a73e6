"""A folder of Terraform configuration that is planned and applied against an emulator, and checked
by tfcert.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema

from checker.demo.emulator import Emulator
from rig.attached import attach
from rig.equipment import Tool, settings
from rig.processes import Ended, run

REPOSITORY = Path(__file__).resolve().parents[3]
CONFIGURATIONS = Path(__file__).resolve().parents[1] / "configurations"
PLAIN_SOURCE = b'"hashicorp/aws"'

_TFCERT = (sys.executable, "-c", "from checker.cli import main; main()")
_SCHEMA = REPOSITORY / "checker" / "reports" / "schemas" / "outcome-v1.schema.json"


# These commands use the provider that already runs. Commands that tfcert starts start their own.
_ATTACHED = frozenset({"plan", "apply", "show"})
# The age in days of what an apply creates, longer than the trust window.
AGED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The result of `tfcert check`: its exit code and its valid JSON."""

    code: int
    document: dict[str, Any]
    ended: Ended

    @property
    def found(self) -> set[tuple[str, str]]:
        """Return the rules with findings, each with its severity."""
        return {(finding["rule"], finding["severity"]) for finding in self.document["findings"]}

    @property
    def rules(self) -> set[str]:
        """Return the rules with findings."""
        return {rule for rule, _ in self.found}

    def finding(self, rule: str) -> dict[str, Any]:
        """Return the only finding of a rule."""
        (finding,) = (finding for finding in self.document["findings"] if finding["rule"] == rule)
        return finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan as the tool stores it, and as `show -json` prints it."""

    binary: Path
    json: Path

    def changes(self) -> dict[str, list[str]]:
        """Return the actions by address, without no-ops."""
        changes = json.loads(self.json.read_bytes()).get("resource_changes", [])
        return {
            change["address"]: change["change"]["actions"]
            for change in changes
            if change["change"]["actions"] != ["no-op"]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A configuration in the folder `infra` of a git repository, and a folder for other files.

    tfcert runs in the repository's root.
    """

    aws: Emulator
    tool: Tool
    top: Path

    @classmethod
    def lay(
        cls,
        aws: Emulator,
        tool: Tool,
        top: Path,
        configuration: str,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> Bench:
        """Write a configuration and more files into a new repository, and initialize it."""
        bench = cls(aws=aws, tool=tool, top=top)
        bench.infra.mkdir(parents=True)
        bench.beside.mkdir()
        bench.beside.joinpath("cli.tfrc").write_text(settings(tool.mirror))
        for file in sorted((CONFIGURATIONS / configuration).rglob("*.tf")):
            source = f'"{tool.provider_source}"'.encode()
            laid = bench.infra / file.relative_to(CONFIGURATIONS / configuration)
            laid.parent.mkdir(parents=True, exist_ok=True)
            laid.write_bytes(file.read_bytes().replace(PLAIN_SOURCE, source))
        for name, text in more.items():
            laid = bench.infra / name
            laid.parent.mkdir(parents=True, exist_ok=True)
            laid.write_bytes(text.encode())
        bench.git("init", "--quiet")
        bench.init()
        return bench

    def copy(self, top: Path) -> Bench:
        """Copy the configuration and its state elsewhere, without `.terraform`, for the
        same AWS.
        """
        other = Bench(aws=self.aws, tool=self.tool, top=top)
        other.infra.mkdir(parents=True)
        other.beside.mkdir()
        shutil.copyfile(self.beside / "cli.tfrc", other.beside / "cli.tfrc")
        for file in self.infra.iterdir():
            if file.is_file():
                shutil.copyfile(file, other.infra / file.name)
        other.git("init", "--quiet")
        other.init()
        return other

    @property
    def root(self) -> Path:
        """Return the repository's root."""
        return self.top / "repository"

    @property
    def infra(self) -> Path:
        """Return the configuration's folder, with its local state."""
        return self.root / "infra"

    @property
    def beside(self) -> Path:
        """Return the folder for plans and other files outside the repository."""
        return self.top / "beside"

    @property
    def state(self) -> Path:
        """Return the path of the raw state."""
        return self.infra / "terraform.tfstate"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of every child, which points only to the emulator and the given
        tool.
        """
        base = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TF_", "TFCERT_", "GIT_"))
        }
        return self.aws.environment(base) | {
            "TF_CLI_CONFIG_FILE": str(self.beside / "cli.tfrc"),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_VAR_aws_endpoint": self.aws.endpoint,
            "CHECKPOINT_DISABLE": "1",
            "GOGC": "400",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONPATH": str(REPOSITORY),
            "TFCERT_TOOL": self.tool.binary.path,
        }

    @property
    def attached(self) -> dict[str, str]:
        """Return the environment of a terraform that attaches to the running provider."""
        environment = self.environment
        return environment | attach(self.infra, environment)

    def texts(self) -> dict[str, bytes]:
        """Return the configuration's files by name."""
        return {file.name: file.read_bytes() for file in sorted(self.infra.glob("*.tf"))}

    def write(self, texts: dict[str, bytes]) -> None:
        """Replace the configuration's files by these."""
        for file in self.infra.glob("*.tf"):
            if file.name not in texts:
                file.unlink()
        for name, text in texts.items():
            self.infra.joinpath(name).write_bytes(text)

    # The real tool

    def init(self) -> None:
        """Run `init`."""
        self._terraform("init", "-input=false", "-no-color")

    def plan(self, name: str, *options: str) -> Planned:
        """Run `plan -out` and `show -json`."""
        planned = Planned(binary=self.beside / f"{name}.bin", json=self.beside / f"{name}.json")
        self._terraform("plan", "-input=false", "-no-color", f"-out={planned.binary}", *options)
        planned.json.write_bytes(self._terraform("show", "-json", str(planned.binary)))
        return planned

    def apply(self, planned: Planned) -> None:
        """Apply a stored plan with the clock set back, so that a new certificate is older than the
        trust window.
        """
        self.aws.clock.advance(days=-AGED)
        try:
            self._terraform("apply", "-input=false", "-no-color", str(planned.binary))
        finally:
            self.aws.clock.run()

    def apply_at_once(self) -> None:
        """Apply the files without a stored plan, to create a test's initial state."""
        self._terraform("apply", "-input=false", "-no-color", "-refresh=false", "-auto-approve")

    def assert_nothing_changes(self) -> None:
        """Check that `plan` has no changes."""
        self._terraform("plan", "-input=false", "-no-color", "-detailed-exitcode")

    def show_state(self, name: str) -> Path:
        """Write `show -json` of the state to a file, and return its path."""
        file = self.beside / f"{name}.json"
        file.write_bytes(self._terraform("show", "-json"))
        return file

    def _terraform(self, *arguments: str) -> bytes:
        environment = self.attached if arguments[0] in _ATTACHED else self.environment
        ended = run([self.tool.binary.path, *arguments], folder=self.infra, environment=environment)
        assert ended.code == 0, "\n".join([str(ended), *self.aws.failures()])
        return ended.stdout

    # tfcert

    def tfcert(self, *arguments: str) -> Ended:
        """Run tfcert in the repository's root."""
        ended = run([*_TFCERT, *arguments], folder=self.root, environment=self.environment)
        assert b"Traceback" not in ended.stderr, str(ended)
        return ended

    def check(self, *arguments: str) -> Judged:
        """Run `tfcert check`, validate its JSON, and write the text report too."""
        ended = self.tfcert(
            "check",
            *arguments,
            "--format",
            "json",
            "--format",
            f"text={self.beside / 'report.txt'}",
        )
        assert ended.code in {0, 1, 3}, str(ended)
        document = json.loads(ended.stdout)
        _validator().validate(document)
        return Judged(code=ended.code, document=document, ended=ended)

    def check_plan(self, planned: Planned, *arguments: str) -> Judged:
        """Run `tfcert check` on a plan's JSON with its configuration."""
        return self.check(str(planned.json), "--config", "infra", *arguments)

    def patch(self, *arguments: str) -> bytes:
        """Run `tfcert patch infra`, which must succeed, and return its output."""
        ended = self.tfcert("patch", "infra", *arguments)
        assert ended.code == 0, str(ended)
        return ended.stdout

    def rotate(self, phase: str) -> dict[str, tuple[str, ...]]:
        """Apply the next phase with `git apply`, check its plan with --expect, apply it, and return
        the changes.
        """
        diff = self.patch()
        assert f"tfcert: {phase}, phase".encode() in diff
        self.git("apply", stdin=diff)
        planned = self.plan(phase)
        judged = self.check_plan(planned, "--expect", phase)
        assert judged.code == 0, str(judged.ended)
        self.apply(planned)
        return {address: tuple(actions) for address, actions in planned.changes().items()}

    # git

    def git(self, *arguments: str, stdin: bytes = b"") -> None:
        """Run git in the repository's root, without user settings."""
        ended = run(
            ["git", *arguments], folder=self.root, environment=self.environment, stdin=stdin
        )
        assert ended.code == 0, str(ended)

    def after_git_apply(self, diff: bytes, top: Path) -> dict[str, bytes]:
        """Return the files after `git apply` of a diff, in another repository."""
        other = Bench(aws=self.aws, tool=self.tool, top=top)
        other.infra.mkdir(parents=True)
        other.write(self.texts())
        other.git("init", "--quiet")
        other.git("apply", "--check", "-", stdin=diff)
        other.git("apply", "-", stdin=diff)
        return other.texts()


@cache
def _validator() -> Any:
    schema = json.loads(_SCHEMA.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)
