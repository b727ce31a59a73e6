"""`tfcert check`: judge plans and states."""

# Annotations are not postponed: Typer would evaluate each of them again, three times per run.
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from checker.cli import options, usage
from checker.model.observation import Drift
from checker.model.rotation import Phase
from checker.model.severity import FailOn

if TYPE_CHECKING:
    from checker.pipeline import Loaded
    from checker.terraform.tool import Wanted


class Expect(StrEnum):
    """The values of --expect: a phase, or `next` for the due phase of each rotation."""

    INTRODUCE = Phase.INTRODUCE
    REPOINT = Phase.REPOINT
    RETIRE = Phase.RETIRE
    ROLLBACK = Phase.ROLLBACK
    NEXT = "next"


def check(
    sources: options.Sources = None,
    recursive: options.Recursive = False,
    states: options.States = False,
    sources_from: options.SourcesFrom = None,
    null: options.NullSeparated = False,
    include: options.Include = None,
    exclude: options.Exclude = None,
    dask: options.Dask = None,
    worker_credentials: options.WorkerCredentials = None,
    cache: options.Cache = None,
    group_by: options.GroupBys = None,
    config: options.Config = None,
    policy: options.PolicyFile = None,
    policy_base: options.PolicyBase = None,
    trust: options.Trust = False,
    trust_file: options.TrustFiles = None,
    no_inline_exemptions: options.NoInline = False,
    probe: options.Probe = False,
    probe_report: options.ProbeReport = None,
    probe_max_age: options.ProbeMaxAge = None,
    method: options.ProbeMethods = None,
    any_get: options.AnyGet = False,
    unsafe: options.Unsafe = False,
    header: options.Headers = None,
    max_calls: options.MaxCalls = None,
    yes: options.Yes = False,
    threshold: options.Threshold = None,
    notice: options.Notice = None,
    offline: options.Offline = False,
    drift: Annotated[
        Drift | None,
        typer.Option(
            "--drift",
            help="Ask what recorded stages present now (one call per API): of all APIs, only "
            "of those with a certificate within the notice, or of none. [default: all]",
            rich_help_panel=usage.AWS,
        ),
    ] = None,
    no_drift: Annotated[
        bool,
        typer.Option("--no-drift", help="The same as --drift none.", rich_help_panel=usage.AWS),
    ] = False,
    as_of: options.AsOf = None,
    expect: Annotated[
        Expect | None,
        typer.Option(
            "--expect",
            help="The plan must be this phase and nothing else; "
            "next: the next phase of each rotation.",
            rich_help_panel=usage.POLICY,
        ),
    ] = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            "--fail-on",
            help="The severity that makes the exit code 1. [default: error]",
            rich_help_panel=usage.POLICY,
        ),
    ] = None,
    format_: Annotated[
        list[str] | None,
        typer.Option(
            "--format", metavar="NAME[=FILE]", help=options.FORMATS, rich_help_panel=usage.OUTPUT
        ),
    ] = None,
    output_file: options.Output = None,
    patches: Annotated[
        bool,
        typer.Option(
            "--patches",
            help="Add the patches of due rotations to the report; "
            "markdown and html always have them.",
            rich_help_panel=usage.OUTPUT,
        ),
    ] = False,
    profile: options.Profile = None,
    role_arn: options.RoleArn = None,
    region: options.Region = None,
    timeout: options.Timeout = 20.0,
    tool: options.ToolName = None,
    tool_env: options.ToolEnv = None,
    all_: options.ShowAll = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Judge plans and states: what expires, what a plan would break.

    Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage or unreadable input, 3
    inconclusive, 130 interrupted.
    """
    from msgspec.structs import replace

    from checker.cli import load, output
    from checker.cli.aws import Aws
    from checker.cli.policy_base import run_policy
    from checker.cli.policy_options import options as given
    from checker.errors import UsageError
    from checker.model.policy import Run
    from checker.pipeline import check as judge
    from checker.reports.text import Show

    chosen = output.formats(format_, file=output_file)
    wanted = options.wanted(tool, tool_env, offline=offline)
    fleet = options.fleet(
        sources,
        states=states,
        sources_from=sources_from,
        null=null,
        include=include,
        exclude=exclude,
        recursive=recursive,
        dask=dask,
        worker_credentials=worker_credentials,
        cache=cache,
        group_by=group_by,
        config=config,
    )
    asking = options.asking(
        probe=probe,
        report=probe_report,
        max_age=probe_max_age,
        given=(method, any_get, unsafe, header, max_calls, yes),
        offline=offline,
        as_of=as_of,
    )
    stated = given(threshold=threshold, notice=notice, fail_on=fail_on)
    with run_policy(policy, policy_base, given=stated, inline=not no_inline_exemptions) as in_force:
        moment = load.parse_as_of(as_of)
        aws = Aws(
            profile=profile,
            role_arn=role_arn,
            region=region,
            timeout=timeout,
            accounts=in_force.policy.accounts,
        )
        run = Run(
            as_of=moment,
            policy=in_force.trusting(trust_file, aws.bundles(offline=offline)),
            expect="next"
            if expect is Expect.NEXT
            else Phase(expect)
            if expect is not None
            else None,
            drift=_drift(drift, no_drift=no_drift),
            trust=aws.trust(wanted=trust, offline=offline),
        )
        with aws.counted(shown=verbose):
            interrupted, view = False, None
            if fleet is not None:
                from checker.cli.fleet.run import load_fleet

                found = load_fleet(
                    fleet,
                    aws,
                    chosen=chosen,
                    tags=run.policy.tags,
                    timeout=timeout,
                    verbose=verbose,
                )
                loaded, interrupted = in_force.exemptions(found.loaded), found.interrupted
                view = found.view
            else:
                loaded = in_force.exemptions(
                    _load(sources or (), config=config, tool=wanted, tags=run.policy.tags)
                    if recursive
                    else load.load(
                        sources or (),
                        config=config,
                        tool=wanted,
                        fetch=aws.fetch,
                        tags=run.policy.tags,
                    )
                )
            output.refuse_inputs(
                chosen,
                sources or (),
                loaded,
                option=options.destination(output_file),
                policy=policy,
            )
            if expect is not None and not loaded.inventory.plans:
                raise UsageError(
                    "no source is a plan",
                    where="--expect",
                    remedy="pass the plan of the phase",
                )
            if expect is Expect.NEXT:
                load.demand_configuration(loaded.inventory)
            outcome = in_force.with_notices(
                judge(
                    loaded.inventory,
                    aws.observer(offline=offline or interrupted, in_part=True),
                    run,
                    asking.probe(aws, timeout) if asking is not None and not interrupted else None,
                )
            )
            if view is not None:
                outcome = replace(outcome, fleet=view)
            if patches or output.wants_patches(chosen):
                from checker.cli.patch_preview import with_patches

                outcome = with_patches(outcome, loaded)
            show = Show.of(every=all_, quiet=quiet)
            output.report(outcome, chosen, patches=patches, show=show)
            output.warn_unverified(outcome)
    interrupted = interrupted or outcome.cases.observations.interrupted
    raise typer.Exit(130 if interrupted else outcome.exit_code)


def _drift(given: Drift | None, *, no_drift: bool) -> Drift:
    """Return the value of --drift and --no-drift; raises UsageError if they contradict."""
    if not no_drift:
        return given or Drift.ALL
    if given in {None, Drift.NONE}:
        return Drift.NONE
    from checker.errors import UsageError

    raise UsageError(
        f"--no-drift and --drift {given} contradict each other",
        where="--drift",
        remedy="leave one of them out",
    )


def _load(
    sources: Sequence[str], *, config: str | None, tool: "Wanted", tags: Collection[str]
) -> "Loaded":
    from checker.cli.load import load_root_modules

    return load_root_modules(sources, config=config, tool=tool, tags=tags)
