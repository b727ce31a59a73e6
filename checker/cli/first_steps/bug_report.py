"""`tfcert doctor --report`: a report for a bug, without the names of the user's world.

Masked are values of options and of the environment (profile, source, folders, user, host), account
numbers, ARNs, addresses, paths, hosts, resource addresses, quoted words and names with a dot. An
account has one number throughout, which shows whether two are the same.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from checker.cli.first_steps.about import about
from checker.cli.first_steps.doctor_line import DoctorLine, exit_code
from checker.cli.first_steps.examine import DoctorRequest
from checker.reports.escape import printable

_HEAD = """# tfcert: bug report

Made by `tfcert doctor --report`, which masks accounts, ARNs, names, paths and hosts.
Read it before you post it. Add the command that went wrong, what it printed, and what you expected.
"""
# Names of tfcert's own, which tell nothing about the user.
_OWN = (
    "policies/iam/check.json",
    "policies/iam/check-trust.json",
    "tfcert.toml",
    "terraform.tfstate",
    "docs/gates.md",
)
_PATTERNS = (
    (re.compile(r"\barn:[^\s,;()]+"), "<arn>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s,;()]+"), "<address>"),
    (re.compile(r"\b(?:module|data|aws_\w+)(?:\.[\w-]+(?:\[[^\]\s]*\])?)+"), "<resource>"),
    (re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”"), "'…'"),
    (re.compile(r"(?<![\w<])(?:~|\.{1,2})?/[^\s,;:()]+"), "<path>"),
    (re.compile(r"(?<![\w<])[\w.-]+/[^\s,;:()]+"), "<path>"),
    (re.compile(r"[^\s,;()]+@[\w-]+(?:\.[\w-]+)+"), "<mail>"),
    # Hosts and files: a word with a dot in it, but no version.
    (re.compile(r"(?<![\w.])(?=[\w.-]*[A-Za-z])[\w-]+(?:\.[\w-]+)+(?::\d+\b)?"), "<name>"),
)
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_SHOWN_VARIABLES = re.compile(
    r"(?:AWS|TFCERT|TF(?!_VAR)|CI|GITHUB|GITLAB|BITBUCKET)_\w+|CI|SYSTEM_ACCESSTOKEN"
)
_SHORTEST = 3


def bug_report(
    lines: Sequence[DoctorLine], request: DoctorRequest, environment: Mapping[str, str]
) -> str:
    """Return the report in Markdown."""
    mask = _Mask(request, environment)
    named = sorted(name for name in environment if _SHOWN_VARIABLES.fullmatch(name))
    parts = (
        _HEAD,
        "## Versions\n",
        _block(about(environment, paths=False)),
        f"## tfcert doctor, exit code {exit_code(lines)}\n",
        _block(mask.lines(lines)),
        "## Options and variables\n",
        _block(
            (
                f"options: {', '.join(_given(request)) or 'none'}",
                f"set: {', '.join(named) or 'none'}",
            )
        ),
    )
    return "\n".join(parts)


def _block(lines: Iterator[str] | Sequence[str]) -> str:
    # No line of a block begins with a fence: each has a word of ours first.
    return "\n".join(("```text", *map(printable, lines), "```", ""))


def _given(request: DoctorRequest) -> Iterator[str]:
    """Yield the names of the options of this run, without their values."""
    given = {
        "--config": request.config,
        "--policy": request.policy,
        "--profile": request.profile,
        "--role-arn": request.role_arn,
        "--region": request.region,
        "--tool": request.wanted.name,
        "--tool-env": request.wanted.passed,
        "--offline": request.wanted.offline,
        "--run-tools": request.run_tools,
        "SOURCE": request.source != ".",
    }
    yield from (name for name, value in given.items() if value)


class _Mask:
    """Replace what names the user's world; the same account has the same number."""

    def __init__(self, request: DoctorRequest, environment: Mapping[str, str]) -> None:
        values = {
            "<source>": request.source,
            "<config>": request.config,
            "<policy>": request.policy or environment.get("TFCERT_POLICY"),
            "<profile>": request.profile or environment.get("AWS_PROFILE"),
            "<role>": request.role_arn,
            "<tool>": request.wanted.name or environment.get("TFCERT_TOOL"),
            "<here>": str(Path.cwd()),
            "<home>": environment.get("HOME"),
            "<user>": environment.get("USER") or environment.get("LOGNAME"),
            "<host>": platform.node(),
        }
        # The longest first: a folder may begin with the home folder.
        self._values = sorted(
            (
                (value, name)
                for name, value in values.items()
                if value and len(value) >= _SHORTEST and value not in {"terraform", "tofu", *_OWN}
            ),
            key=lambda pair: -len(pair[0]),
        )
        self._accounts: dict[str, str] = {}

    def lines(self, lines: Sequence[DoctorLine]) -> Iterator[str]:
        """Yield each line of the doctor, with its remedy below."""
        for line in lines:
            yield f"{line.health.value[0]:<8} {line.about:<14} {self.text(line.text)}"
            if line.remedy:
                yield f"{'':<23} -> {self.text(line.remedy)}"

    def text(self, text: str) -> str:
        """Return the text without names of the user's world."""
        for value, name in self._values:
            text = text.replace(value, name)
        kept = {own: f"\0{index}\0" for index, own in enumerate(_OWN)}
        for own, token in kept.items():
            text = re.sub(rf"(?<![\w/.-]){re.escape(own)}(?![\w/-])", token, text)
        for pattern, name in _PATTERNS:
            text = pattern.sub(name, text)
        text = _ACCOUNT.sub(self._account, text)
        for own, token in kept.items():
            text = text.replace(token, own)
        return text

    def _account(self, found: re.Match[str]) -> str:
        return self._accounts.setdefault(found[0], f"<account {len(self._accounts) + 1}>")
