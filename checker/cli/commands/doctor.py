"""`tfcert doctor`: what tfcert can see from here, and how to mend what it cannot."""

# Annotations are not postponed: Typer would evaluate each of them again, three times per run.
from typing import Annotated

import typer

from checker.cli import options
from checker.cli.usage import OUTPUT, SOURCES


def doctor(
    source: Annotated[
        str,
        typer.Argument(
            metavar="[SOURCE]",
            help="What you would give to check: a directory, a plan, a state, s3://BUCKET/KEY. "
            "[default: .]",
            show_default=False,
        ),
    ] = ".",
    run_tools: Annotated[
        bool,
        typer.Option(
            "--run-tools",
            help="Start terraform or tofu in the folder, as check does: for its version, and for "
            "a state that only it can read.",
            rich_help_panel=SOURCES,
        ),
    ] = False,
    config: options.Config = None,
    policy: options.PolicyFile = None,
    offline: options.Offline = False,
    profile: options.Profile = None,
    role_arn: options.RoleArn = None,
    region: options.Region = None,
    timeout: options.Timeout = 20.0,
    tool: options.ToolName = None,
    tool_env: options.ToolEnv = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Print a report for a bug, in Markdown: accounts, names, paths and hosts are "
            "masked.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> None:
    """Say what tfcert can see here: tool, state, AWS, permissions, policy, forge token.

    Without --run-tools it starts neither terraform nor tofu; it never writes a file. Exit codes: 0
    check has what it needs, 2 check cannot run, 3 something is not known.
    """
    import os
    import sys

    from checker.cli import output
    from checker.cli.first_steps.about import versions
    from checker.cli.first_steps.doctor_line import exit_code, laid_out
    from checker.cli.first_steps.examine import DoctorRequest, examine
    from checker.reports.escape import encoded
    from checker.reports.text.layout import WIDTH, pieces

    request = DoctorRequest(
        source=source,
        config=config,
        policy=policy,
        profile=profile,
        role_arn=role_arn,
        region=region,
        timeout=timeout,
        wanted=options.wanted(tool, tool_env, offline=offline),
        run_tools=run_tools,
    )
    lines = tuple(examine(request, os.environ))
    if report:
        from checker.cli.first_steps.bug_report import bug_report

        output.write(encoded(bug_report(lines, request, os.environ)))
        raise typer.Exit(exit_code(lines))
    on_terminal = sys.stdout.isatty()
    width = output.terminal_width() if on_terminal else WIDTH
    shown = laid_out(versions(), lines, width)
    output.write(
        b"".join(
            output.coloured_lines(shown)
            if on_terminal
            else map(encoded, pieces(line.plain for line in shown))
        )
    )
    raise typer.Exit(exit_code(lines))
