"""`tfcert probe`: ask the backends whether they trust the successor."""

# Annotations are not postponed: Typer would evaluate each of them again, three times per run.
from typing import Annotated

import typer

from checker.cli import options, usage


def probe(
    sources: options.Sources = None,
    certificate: Annotated[
        list[str] | None,
        typer.Option(
            "--certificate",
            metavar="ADDRESS|ID",
            help="Only rotations from or to this certificate; repeatable.",
            rich_help_panel=usage.PROBE,
        ),
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(
            "--stage",
            metavar="ADDRESS",
            help="Only this stage; repeatable.",
            rich_help_panel=usage.PROBE,
        ),
    ] = None,
    api: Annotated[
        list[str] | None,
        typer.Option(
            "--api",
            metavar="ID",
            help="Only stages of this API; repeatable.",
            rich_help_panel=usage.PROBE,
        ),
    ] = None,
    method: options.ProbeMethods = None,
    any_get: options.AnyGet = False,
    unsafe: options.Unsafe = False,
    header: options.Headers = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="List the calls to backends, and make none.",
            rich_help_panel=usage.PROBE,
        ),
    ] = False,
    yes: options.Yes = False,
    max_calls: options.MaxCalls = None,
    format_: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="NAME[=FILE]",
            help="text, json, markdown or html; repeatable, each to its file. [default: text]",
            rich_help_panel=usage.OUTPUT,
        ),
    ] = None,
    output_file: options.Output = None,
    recursive: options.Recursive = False,
    config: options.Config = None,
    policy: options.PolicyFile = None,
    policy_base: options.PolicyBase = None,
    profile: options.Profile = None,
    role_arn: options.RoleArn = None,
    region: options.Region = None,
    timeout: options.Timeout = 60.0,
    tool: options.ToolName = None,
    tool_env: options.ToolEnv = None,
    verbose: options.Verbose = False,
) -> None:
    """Ask the backends of each rotation under way whether they trust the successor, by calls
    without a certificate, with the old one and with the new one. This calls your backends.

    Exit codes: 0 all trust it, 1 one refuses it, 2 usage or unreadable input, 3 not confirmed
    (unknown, unreachable, not called, or no certificate is required), 130 interrupted.
    """  # noqa: D205 -- the first paragraph is the short help
    from checker.cli import load, output
    from checker.cli.aws import Aws
    from checker.cli.policy_base import run_policy
    from checker.cli.probing.choice import ChosenStages, chosen_pairs, not_under_way
    from checker.cli.probing.request import ProbeOptions
    from checker.cli.probing.run import demand_terminal, report_probe, run_dry, run_probe
    from checker.model.policy import Run
    from checker.pipeline import plan
    from checker.reports.probe import PROBE_FORMATS

    chosen = output.formats(format_, PROBE_FORMATS, file=output_file)
    request = ProbeOptions.of(
        methods=method,
        any_get=any_get,
        unsafe=unsafe,
        headers=header,
        max_calls=max_calls,
        timeout=timeout,
        confirmed=yes,
    )
    if not dry_run:
        demand_terminal(request)
    wanted = options.wanted(tool, tool_env)
    with run_policy(policy, policy_base) as in_force:
        run = Run(as_of=load.parse_as_of(None), policy=in_force.policy)
        aws = Aws(
            profile=profile,
            role_arn=role_arn,
            region=region,
            timeout=timeout,
            accounts=run.policy.accounts,
        )
        in_force.warn()
        with aws.counted(shown=verbose):
            loaded = (
                load.load_root_modules(
                    sources or (), config=config, tool=wanted, tags=run.policy.tags
                )
                if recursive
                else load.load(
                    sources or (), config=config, tool=wanted, fetch=aws.fetch, tags=run.policy.tags
                )
            )
            output.refuse_inputs(
                chosen,
                sources or (),
                loaded,
                option=options.destination(output_file),
                policy=policy,
            )
            # The recorded certificates are enough, so a probe needs no other permission.
            outcome = plan(loaded.inventory, None, run)
            choice = ChosenStages(
                certificates=frozenset(certificate or ()),
                stages=frozenset(stage or ()),
                apis=frozenset(api or ()),
            )
            pairs = chosen_pairs(outcome, choice)
            notices = not_under_way(outcome, choice)
            document = (
                run_dry(outcome.cases, pairs, request, aws, notices)
                if dry_run
                else run_probe(outcome.cases, pairs, request, aws, notices)
            )
            report_probe(document, chosen)
    if document.interrupted:
        raise KeyboardInterrupt
    raise typer.Exit(document.exit_code)
