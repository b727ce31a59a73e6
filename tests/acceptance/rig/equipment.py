"""Find terraform and tofu on the machine, and their AWS provider."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from rig.processes import PATIENCE, run

HOST = "registry.terraform.io"
PROVIDER = Path(HOST, "hashicorp", "aws")
CHOICE = "TFCERT_PROVIDER_MIRROR"
NO_TOOL = "neither terraform nor tofu is on PATH"
NO_PROVIDER = (
    f"the AWS provider is in no mirror ({CHOICE} may name one), and the registry did not give it"
)

_SYSTEM_FOLDERS = ("/opt", "/usr/share", "/usr/local/share")
_DEEPEST = 4
_MOST_FOLDERS = 20_000
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A terraform or tofu binary."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A binary with the folder of its providers; an empty `host` means the binary's own
    registry.
    """

    binary: Binary
    mirror: Path
    host: str

    @property
    def provider_source(self) -> str:
        """Return the provider's source as a configuration names it."""
        return f"{self.host}/hashicorp/aws" if self.host else "hashicorp/aws"


def binaries() -> tuple[Binary, ...]:
    """Return the binaries on PATH."""
    return tuple(
        Binary(name=name, path=path)
        for name in ("terraform", "tofu")
        if (path := which(name)) is not None
    )


def mirror(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the first folder that mirrors the AWS provider for this platform, or None."""
    return next((folder for folder in _candidates(environment) if _holds_provider(folder)), None)


def equip(binary: Binary, found: Path | None, scratch: Path) -> Tool | None:
    """Return a tool with this mirror, or with a provider that the registry gives in time,
    or None.
    """
    if found is not None:
        # tofu's AWS provider is on another registry than the one that is mirrored here.
        return Tool(binary=binary, mirror=found, host=HOST if binary.name == "tofu" else "")
    scratch.mkdir(parents=True, exist_ok=True)
    scratch.joinpath("main.tf").write_text(
        'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'
    )
    settings = scratch / "cli.tfrc"
    settings.write_text("disable_checkpoint = true\n")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))
    }
    environment |= {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1"}
    try:
        answer = run(
            [binary.path, "init", "-input=false", "-no-color"],
            folder=scratch,
            environment=environment,
            seconds=PATIENCE,
        )
    except TimeoutError:
        return None
    providers = scratch / ".terraform" / "providers"
    # An unpacked download has the layout of a mirror and serves as one.
    return (
        Tool(binary=binary, mirror=providers, host="")
        if answer.code == 0 and providers.is_dir()
        else None
    )


def settings(mirror: Path) -> str:
    """Return a CLI configuration that takes every provider from a mirror only."""
    return f'disable_checkpoint = true\n\nprovider_installation {{\n  filesystem_mirror {{\n    path = "{mirror.as_posix()}"\n  }}\n}}\n'


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get(CHOICE):
        yield Path(environment[CHOICE]).absolute()
    home = Path.home()
    yield Path("terraform.d", "plugins").absolute()
    yield home / ".terraform.d" / "plugins"
    data_home = environment.get("XDG_DATA_HOME") or str(home / ".local" / "share")
    data_folders = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    for folder in (data_home, *data_folders.split(":")):
        yield Path(folder, "terraform", "plugins")
    for folder in _SYSTEM_FOLDERS:
        yield from _below(Path(folder))


def _below(top: Path) -> Iterator[Path]:
    """Yield a folder and those below it, to a limited depth."""
    for seen, (here, folders, _) in enumerate(os.walk(top)):
        yield Path(here)
        if len(Path(here).relative_to(top).parts) >= _DEEPEST or seen > _MOST_FOLDERS:
            folders.clear()


def _holds_provider(folder: Path) -> bool:
    system = "windows" if sys.platform == "win32" else sys.platform
    machine = platform.machine().lower()
    name = f"{system}_{_MACHINES.get(machine, machine)}"
    try:
        # Unpacked: VERSION/PLATFORM/; packed: terraform-provider-aws_VERSION_PLATFORM.zip.
        held = folder / PROVIDER
        return any(held.glob(f"*/{name}")) or any(held.glob(f"*_{name}.zip"))
    except OSError:
        return False
