"""Start tfcert again in a process of its own, without importing modules of the current folder."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping
from pathlib import Path


def own_command(*arguments: str) -> list[str]:
    """Return the command that runs tfcert with these arguments.

    `-P` keeps the current folder out of the module path. Source: Python, "Command line and
    environment", option -P.
    """
    return [sys.executable, "-P", "-m", "checker", *arguments]


def own_environment(base: Mapping[str, str], *, folder: str | None = None) -> dict[str, str]:
    """Return an environment in which `own_command` imports this package from any folder.

    Relative entries of PYTHONPATH are removed, and the folder that the command runs in (default:
    the current one): they would import the modules of a checkout. The child's own children get no
    current folder in their module path either.
    """
    package = str(Path(__file__).resolve().parents[2])
    here = Path(folder or Path.cwd()).resolve()
    given = base.get("PYTHONPATH", "").split(os.pathsep)
    kept = [entry for entry in given if Path(entry).is_absolute() and Path(entry).resolve() != here]
    # An installed package is found without PYTHONPATH. Its folder also has other packages, which
    # must not hide modules of the standard library.
    own = [] if package in {*site.getsitepackages(), site.getusersitepackages()} else [package]
    environment = {
        name: text for name, text in base.items() if name not in {"PYTHONPATH", "PYTHONSTARTUP"}
    }
    if own or kept:
        environment["PYTHONPATH"] = os.pathsep.join([*own, *kept])
    return environment | {"PYTHONSAFEPATH": "1"}
