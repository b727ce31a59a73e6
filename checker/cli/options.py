"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from checker.cli.usage import AWS, OUTPUT, POLICY, PROBE, SOURCES
from checker.terraform.tool import Wanted

if TYPE_CHECKING:
    from checker.cli.fleet.request import FleetRequest
    from checker.cli.probing.asking import Asking

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
        "--config",
        metavar="DIR",
        help="Where the .tf files are. [default: the source's directory]",
        rich_help_panel=SOURCES,
    ),
]
PolicyFile = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="The policy, or a pack. "
        "[default: the nearest tfcert.toml upwards, else the pack default]",
        rich_help_panel=POLICY,
    ),
]
PolicyBase = Annotated[
    str | None,
    typer.Option(
        "--policy-base",
        metavar="REF",
        help="Take policy and inline exemptions from this commit.",
        rich_help_panel=POLICY,
    ),
]
TrustFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--trust-file",
        metavar="BACKEND=PATH",
        help="The trust bundle of a backend that the policy declares; repeatable.",
        rich_help_panel=POLICY,
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Ask AWS what the trust stores, objects, parameters and secrets have now.",
        rich_help_panel=AWS,
    ),
]
NoInline = Annotated[
    bool,
    typer.Option(
        "--no-inline-exemptions", help="Ignore tfcert:ignore comments.", rich_help_panel=POLICY
    ),
]
ToolEnv = Annotated[
    list[str] | None,
    typer.Option(
        "--tool-env",
        metavar="NAME",
        help="Pass this variable to terraform or tofu too; repeatable.",
        rich_help_panel=SOURCES,
    ),
]
Threshold = Annotated[
    int | None,
    typer.Option(
        "--threshold",
        metavar="DAYS",
        min=0,
        help="Days left at which expiry is an error.",
        rich_help_panel=POLICY,
    ),
]
Notice = Annotated[
    int | None,
    typer.Option(
        "--notice",
        metavar="DAYS",
        min=0,
        help="Days left at which expiry is a warning.",
        rich_help_panel=POLICY,
    ),
]
Offline = Annotated[
    bool,
    typer.Option("--offline", help="Do not call AWS; use the recorded dates.", rich_help_panel=AWS),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="INSTANT",
        help="Judge as if it were then (RFC 3339 or a date). [default: now]",
        rich_help_panel=POLICY,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="The profile of the AWS CLI's configuration.",
        rich_help_panel=AWS,
    ),
]
RoleArn = Annotated[
    str | None,
    typer.Option(
        "--role-arn",
        metavar="ARN",
        help="A role to assume before AWS is called.",
        rich_help_panel=AWS,
    ),
]
Region = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="NAME",
        help="The region where no document names one.",
        rich_help_panel=AWS,
    ),
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
        rich_help_panel=AWS,
    ),
]
ToolName = Annotated[
    str | None,
    typer.Option(
        "--tool",
        metavar="TOOL",
        help="terraform or tofu. [default: TFCERT_TOOL, else PATH]",
        rich_help_panel=SOURCES,
    ),
]
Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive",
        help="Find every root module below the folders, and handle each one separately.",
        rich_help_panel=SOURCES,
    ),
]
States = Annotated[
    bool,
    typer.Option(
        "--states",
        help="Read every state below the sources: folders, s3://BUCKET/PREFIX/, "
        "gs://BUCKET/PREFIX/, az://CONTAINER/PREFIX/.",
        rich_help_panel=SOURCES,
    ),
]
SourcesFrom = Annotated[
    str | None,
    typer.Option(
        "--sources-from",
        metavar="FILE",
        help="With --states: read more sources from this file, or - for standard input; "
        "one a line.",
        rich_help_panel=SOURCES,
    ),
]
NullSeparated = Annotated[
    bool,
    typer.Option(
        "-0",
        help="The sources of --sources-from end with NUL, as from `find -print0`.",
        rich_help_panel=SOURCES,
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="GLOB",
        help="With --states: the files to read; repeatable. [default: *.tfstate, *.tfstate.gz, "
        "*.json that is a state or plan]",
        rich_help_panel=SOURCES,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="With --states: files or folders to leave out; repeatable.",
        rich_help_panel=SOURCES,
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="With --states: read on the workers of a Dask cluster (tls://HOST:PORT), or of one "
        "that is started here: local, or local:WORKERS.",
        rich_help_panel=SOURCES,
    ),
]
WorkerCredentials = Annotated[
    str | None,
    typer.Option(
        "--worker-credentials",
        metavar="own|forward",
        help="With --dask ADDRESS: the credentials for S3, of the workers or, over TLS, of this "
        "run. [default: own]",
        rich_help_panel=SOURCES,
    ),
]
Cache = Annotated[
    str | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="With --states: keep here, or below s3://BUCKET/PREFIX/, what was read, and read only "
        "what has changed since.",
        rich_help_panel=SOURCES,
    ),
]
GroupBys = Annotated[
    list[str] | None,
    typer.Option(
        "--group-by",
        metavar="account|owner|region|prefix",
        help="With --states: the groups that the report begins with; repeatable. "
        "[default: account and owner]",
        rich_help_panel=SOURCES,
    ),
]
Probe = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Call the backends of each rotation under way, and take their answers as evidence.",
        rich_help_panel=PROBE,
    ),
]
ProbeReport = Annotated[
    str | None,
    typer.Option(
        "--probe-report",
        metavar="FILE",
        help="Take the JSON of `tfcert probe` as evidence, and call nothing.",
        rich_help_panel=PROBE,
    ),
]
ProbeMaxAge = Annotated[
    str | None,
    typer.Option(
        "--probe-max-age",
        metavar="AGE",
        help="The oldest report to take. [default: 1h]",
        rich_help_panel=PROBE,
    ),
]
ProbeMethods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar='"GET /PATH"',
        help="A method of the API that a probe may call; repeatable. [default: the policy's]",
        rich_help_panel=PROBE,
    ),
]
AnyGet = Annotated[
    bool,
    typer.Option(
        "--any-get",
        help="Where no method is named, probe the first GET without parameters.",
        rich_help_panel=PROBE,
    ),
]
Unsafe = Annotated[
    bool,
    typer.Option(
        "--unsafe",
        help="Allow probes by other methods than GET, HEAD and OPTIONS.",
        rich_help_panel=PROBE,
    ),
]
Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="NAME=env:VARIABLE",
        help="Send a header with each probe; its value is that variable's. Repeatable.",
        rich_help_panel=PROBE,
    ),
]
MaxCalls = Annotated[
    int | None,
    typer.Option(
        "--max-calls",
        metavar="COUNT",
        min=1,
        help="The most calls to backends. [default: 20]",
        rich_help_panel=PROBE,
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Call backends without asking first.", rich_help_panel=PROBE)
]
FORMATS = (
    "text, json, jsonl, sarif, junit, github, gitlab, azure, openmetrics, asff, cyclonedx, ics, "
    "html or markdown; "
    "repeatable, each to its file. [default: text]"
)
Output = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write the report to this file, in the one format that is chosen. [default: stdout]",
        rich_help_panel=OUTPUT,
    ),
]
ShowAll = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Show every certificate and all findings in full in the text; without it, "
        "certificates beyond the notice are one line.",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print the findings alone as text.", rich_help_panel=OUTPUT),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Print the calls to AWS and their number on stderr.",
        rich_help_panel=OUTPUT,
    ),
]


def destination(output_file: str | None) -> str:
    """Return the option that names the file of a report."""
    return "--format" if output_file is None else "--output"


def fleet(
    sources: Sequence[str] | None,
    *,
    states: bool,
    sources_from: str | None,
    null: bool,
    include: Sequence[str] | None,
    exclude: Sequence[str] | None,
    recursive: bool,
    dask: str | None = None,
    worker_credentials: str | None = None,
    cache: str | None = None,
    group_by: Sequence[str] | None = None,
    config: str | None = None,
) -> FleetRequest | None:
    """Return the request of --states; None without it.

    Raises UsageError for an option that only --states has, and for one that contradicts it.
    """
    from checker.errors import UsageError

    only = {
        "--sources-from": sources_from is not None,
        "-0": null,
        "--include": bool(include),
        "--exclude": bool(exclude),
        "--dask": dask is not None,
        "--worker-credentials": worker_credentials is not None,
        "--cache": cache is not None,
        "--group-by": bool(group_by),
    }
    for name, given in only.items():
        if given and not states:
            raise UsageError(
                "is only for the states below sources", where=name, remedy="give --states too"
            )
    if not states:
        return None
    if recursive:
        raise UsageError(
            "these contradict each other",
            where="--states and --recursive",
            remedy="--states reads state files, --recursive root modules: give one of them",
        )
    if config is not None:
        raise UsageError(
            "a fleet of states has no configuration",
            where="--config",
            remedy="leave it out with --states",
        )
    # Imported here: most runs read no fleet.
    from checker.cli.fleet.request import parse_request

    return parse_request(
        sources or (),
        sources_from=sources_from,
        null=null,
        include=include or (),
        exclude=exclude or (),
        dask=dask,
        worker_credentials=worker_credentials,
        cache=cache,
        group_by=group_by or (),
    )


def wanted(tool: str | None, passed: Sequence[str] | None, *, offline: bool = False) -> Wanted:
    """Return the settings of --tool, --tool-env and --offline."""
    return Wanted(name=tool, passed=tuple(passed or ()), offline=offline)


def asking(
    *,
    probe: bool,
    report: str | None,
    max_age: str | None,
    given: Sequence[object],
    offline: bool,
    as_of: str | None,
) -> Asking | None:
    """Return how a run asks backends; None if no option says so.

    `given` are the options of a probe: methods, any GET, unsafe, headers, most calls, and yes.
    """
    if not (probe or report is not None or max_age is not None or any(given)):
        return None
    from checker.cli.probing.asking import Asking

    return Asking.of(
        probe=probe, report=report, max_age=max_age, given=given, offline=offline, as_of=as_of
    )
