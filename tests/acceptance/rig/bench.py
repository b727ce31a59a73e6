"""A folder of Terraform configuration that is planned and applied for real against an emulator, and that tfcert looks at."""

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


# The commands that use the provider that already runs. What tfcert starts itself starts its own.
_ATTACHED = frozenset({"plan", "apply", "show"})
# The age in days of what an apply makes; the trust window is shorter.
AGED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What `tfcert check` said: its exit code and its JSON, which the schema allows."""

    code: int
    document: dict[str, Any]
    ended: Ended

    @property
    def found(self) -> set[tuple[str, str]]:
        """The rules that spoke, each with its severity."""
        return {(finding["rule"], finding["severity"]) for finding in self.document["findings"]}

    @property
    def rules(self) -> set[str]:
        """The rules that spoke."""
        return {rule for rule, _ in self.found}

    def finding(self, rule: str) -> dict[str, Any]:
        """The only finding of a rule."""
        (finding,) = (finding for finding in self.document["findings"] if finding["rule"] == rule)
        return finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan as the tool stores it, and as its `show -json` prints it."""

    binary: Path
    json: Path

    def changes(self) -> dict[str, list[str]]:
        """The actions by address, without those that do nothing."""
        changes = json.loads(self.json.read_bytes()).get("resource_changes", [])
        return {
            change["address"]: change["change"]["actions"]
            for change in changes
            if change["change"]["actions"] != ["no-op"]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One configuration in the folder `infra` of a git repository, and where everything beside it goes.

    A person stands in the repository's root: that is where `tfcert` is run.
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
        """Lay out one of the configurations, and more files, in a repository of its own, and initialise it."""
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
        """The configuration and its state somewhere else, against the same AWS; nothing of `.terraform` is copied."""
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
        """The repository's root."""
        return self.top / "repository"

    @property
    def infra(self) -> Path:
        """The configuration's folder, with its local state."""
        return self.root / "infra"

    @property
    def beside(self) -> Path:
        """Plans and whatever else does not belong into the repository."""
        return self.top / "beside"

    @property
    def state(self) -> Path:
        """The raw state file."""
        return self.infra / "terraform.tfstate"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every child: nothing in it leads to another AWS, another provider or another tool."""
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
        """The environment of a child whose terraform uses the provider that already runs."""
        environment = self.environment
        return environment | attach(self.infra, environment)

    def texts(self) -> dict[str, bytes]:
        """The configuration's files by name, byte for byte."""
        return {file.name: file.read_bytes() for file in sorted(self.infra.glob("*.tf"))}

    def write(self, texts: dict[str, bytes]) -> None:
        """Make the configuration's files these and no others."""
        for file in self.infra.glob("*.tf"):
            if file.name not in texts:
                file.unlink()
        for name, text in texts.items():
            self.infra.joinpath(name).write_bytes(text)

    # The real tool

    def init(self) -> None:
        """`init`."""
        self._terraform("init", "-input=false", "-no-color")

    def plan(self, name: str, *options: str) -> Planned:
        """`plan -out`, and `show -json` of it."""
        planned = Planned(binary=self.beside / f"{name}.bin", json=self.beside / f"{name}.json")
        self._terraform("plan", "-input=false", "-no-color", f"-out={planned.binary}", *options)
        planned.json.write_bytes(self._terraform("show", "-json", str(planned.binary)))
        return planned

    def apply(self, planned: Planned) -> None:
        """`apply` of a stored plan, some days ago: what it makes is older than the trust window when the next phase is asked for."""
        self.aws.clock.advance(days=-AGED)
        try:
            self._terraform("apply", "-input=false", "-no-color", str(planned.binary))
        finally:
            self.aws.clock.run()

    def apply_at_once(self) -> None:
        """`apply` of what the files hold, without a stored plan: how the state comes about that a test starts from."""
        self._terraform("apply", "-input=false", "-no-color", "-refresh=false", "-auto-approve")

    def assert_nothing_changes(self) -> None:
        """`plan` finds that AWS is as the files say."""
        self._terraform("plan", "-input=false", "-no-color", "-detailed-exitcode")

    def show_state(self, name: str) -> Path:
        """`show -json` of the state, in a file."""
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
        """`tfcert`, typed in the repository's root."""
        ended = run([*_TFCERT, *arguments], folder=self.root, environment=self.environment)
        assert b"Traceback" not in ended.stderr, str(ended)
        return ended

    def check(self, *arguments: str) -> Judged:
        """`tfcert check`, whose JSON is held against the schema, and whose text is written beside it."""
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
        """`tfcert check` of a plan's JSON beside its configuration."""
        return self.check(str(planned.json), "--config", "infra", *arguments)

    def patch(self, *arguments: str) -> bytes:
        """`tfcert patch infra`, which must succeed; what it prints."""
        ended = self.tfcert("patch", "infra", *arguments)
        assert ended.code == 0, str(ended)
        return ended.stdout

    def rotate(self, phase: str) -> dict[str, tuple[str, ...]]:
        """Put what is safe next there by `git apply`, plan it, hold the plan to the phase, and apply it; the plan's changes."""
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
        """`git` in the repository's root, without anybody's settings."""
        ended = run(
            ["git", *arguments], folder=self.root, environment=self.environment, stdin=stdin
        )
        assert ended.code == 0, str(ended)

    def after_git_apply(self, diff: bytes, top: Path) -> dict[str, bytes]:
        """What `git apply` makes of the files as they are now, in a repository elsewhere."""
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
