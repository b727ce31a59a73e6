"""`tfcert scan`: judge everything in the accounts, with or without Terraform."""

# Annotations are not postponed: Typer would evaluate each of them again, three times per run.
from typing import TYPE_CHECKING, Annotated

import typer

from checker.cli import options, usage
from checker.model.severity import FailOn

if TYPE_CHECKING:
    from checker.model.inventory import Inventory


def scan(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="States and plans that say what Terraform manages, as for check. [default: none]",
        ),
    ] = None,
    recursive: options.Recursive = False,
    states: options.States = False,
    sources_from: options.SourcesFrom = None,
    null: options.NullSeparated = False,
    include: options.Include = None,
    exclude: options.Exclude = None,
    dask: options.Dask = None,
    worker_credentials: options.WorkerCredentials = None,
    cache: options.Cache = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            "--region",
            metavar="NAME",
            help="A region to scan; repeatable. [default: AWS's own default]",
            rich_help_panel=usage.AWS,
        ),
    ] = None,
    all_regions: Annotated[
        bool,
        typer.Option(
            "--all-regions",
            help="Scan every region that is enabled for the account.",
            rich_help_panel=usage.AWS,
        ),
    ] = False,
    role_arn: Annotated[
        list[str] | None,
        typer.Option(
            "--role-arn",
            metavar="ARN",
            help="A role whose account is scanned; repeatable. [default: the policy's accounts]",
            rich_help_panel=usage.AWS,
        ),
    ] = None,
    profile: options.Profile = None,
    policy: options.PolicyFile = None,
    policy_base: options.PolicyBase = None,
    threshold: options.Threshold = None,
    notice: options.Notice = None,
    as_of: options.AsOf = None,
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
            "--format",
            metavar="NAME[=FILE]",
            help="As for check; repeatable. [default: text]",
            rich_help_panel=usage.OUTPUT,
        ),
    ] = None,
    output_file: options.Output = None,
    timeout: options.Timeout = 20.0,
    tool: options.ToolName = None,
    tool_env: options.ToolEnv = None,
    all_: options.ShowAll = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Judge all that accounts have, in Terraform or not.

    Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage or unreadable input, 3
    inconclusive, 130 interrupted.
    """
    from checker.cli import load, output
    from checker.cli.aws import Aws
    from checker.cli.policy_base import run_policy
    from checker.cli.policy_options import options as given
    from checker.cli.scan_run import ScanScope, load_states, run_scan
    from checker.errors import UsageError
    from checker.model.policy import Run
    from checker.pipeline import scan as judge
    from checker.reports.text import Show

    chosen = output.formats(format_, file=output_file)
    if region and all_regions:
        raise UsageError(
            "these contradict each other",
            where="--region and --all-regions",
            remedy="give one of them",
        )
    scope = ScanScope(
        roles=tuple(dict.fromkeys(role_arn or ())),
        regions=None if all_regions else tuple(dict.fromkeys(region or ())),
    )
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
    )
    wanted = options.wanted(tool, tool_env)
    with run_policy(
        policy, policy_base, given=given(threshold=threshold, notice=notice, fail_on=fail_on)
    ) as in_force:
        run = Run(as_of=load.parse_as_of(as_of), policy=in_force.policy)
        aws = Aws(
            profile=profile,
            role_arn=None,
            region=None,
            timeout=timeout,
            accounts=run.policy.accounts,
        )
        with aws.counted(shown=verbose):
            output.refuse_inputs(
                chosen, sources or (), None, option=options.destination(output_file), policy=policy
            )
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
                if found.interrupted:
                    raise KeyboardInterrupt
                known: Inventory | None = found.loaded.inventory
            else:
                known = load_states(
                    sources or (),
                    recursive=recursive,
                    tool=wanted,
                    fetch=aws.fetch,
                    tags=run.policy.tags,
                )
            outcome = in_force.with_notices(judge(run_scan(scope, aws.gateways()), known, run))
            output.report(outcome, chosen, show=Show.of(every=all_, quiet=quiet))
            output.warn_unverified(outcome)
            if outcome.cases.observations.interrupted:
                raise KeyboardInterrupt
    raise typer.Exit(outcome.exit_code)
