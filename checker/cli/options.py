"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from checker.terraform.tool import Wanted

_LEAST_SECONDS, _MOST_SECONDS = 0.1, 86_400.0

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SOURCE]...",
        help="A directory, a plan (JSON or binary), a state, s3://BUCKET/KEY, "
        "or - for standard input. [default: .]",
    ),
]
Config = Annotated[
    str | None,
    typer.Option(
        "--config", metavar="DIR", help="Where the .tf files are. [default: the source's directory]"
    ),
]
PolicyFile = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="The policy, or a pack. "
        "[default: the nearest tfcert.toml upwards, else the pack default]",
    ),
]
PolicyBase = Annotated[
    str | None,
    typer.Option(
        "--policy-base", metavar="REF", help="Take policy and inline exemptions from this commit."
    ),
]
TrustFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--trust-file",
        metavar="BACKEND=PATH",
        help="The trust bundle of a backend that the policy declares; repeatable.",
    ),
]
NoInline = Annotated[
    bool, typer.Option("--no-inline-exemptions", help="Ignore tfcert:ignore comments.")
]
ToolEnv = Annotated[
    list[str] | None,
    typer.Option(
        "--tool-env",
        metavar="NAME",
        help="Pass this variable to terraform or tofu too; repeatable.",
    ),
]
Threshold = Annotated[
    int | None,
    typer.Option(
        "--threshold", metavar="DAYS", min=0, help="Days left at which expiry is an error."
    ),
]
Notice = Annotated[
    int | None,
    typer.Option("--notice", metavar="DAYS", min=0, help="Days left at which expiry is a warning."),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Do not call AWS; use the recorded dates.")
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="INSTANT",
        help="Judge as if it were then (RFC 3339 or a date). [default: now]",
    ),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="The profile of the AWS CLI's configuration."),
]
RoleArn = Annotated[
    str | None,
    typer.Option("--role-arn", metavar="ARN", help="A role to assume before AWS is called."),
]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="NAME", help="The region where no document names one."),
]


def _seconds(given: float) -> float:
    # NaN is neither below the least nor above the most.
    if not _LEAST_SECONDS <= given <= _MOST_SECONDS:
        raise typer.BadParameter(
            f"{given:g} is not in the range {_LEAST_SECONDS:g}<=x<={_MOST_SECONDS:g}."
        )
    return given


Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        callback=_seconds,
        help="The time limit for AWS, per account and region.",
    ),
]
ToolName = Annotated[
    str | None,
    typer.Option(
        "--tool", metavar="TOOL", help="terraform or tofu. [default: TFCERT_TOOL, else PATH]"
    ),
]
Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive",
        help="Find every root module below the folders, and handle each one separately.",
    ),
]
FORMATS = (
    "text, json, sarif, junit, github, gitlab, azure, openmetrics, asff, cyclonedx, ics, html "
    "or markdown; "
    "repeatable, each to its file. [default: text]"
)
ShowAll = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Show every certificate and all findings in full in the text; without it, "
        "certificates beyond the notice are one line.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the findings alone as text.")]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Print the calls to AWS and their number on stderr."),
]


def wanted(tool: str | None, passed: Sequence[str] | None, *, offline: bool = False) -> Wanted:
    """Return the settings of --tool, --tool-env and --offline."""
    return Wanted(name=tool, passed=tuple(passed or ()), offline=offline)
