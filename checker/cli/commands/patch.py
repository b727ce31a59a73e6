"""`tfcert patch`: write the rotation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from checker.cli import options, usage


class PhaseChoice(StrEnum):
    """Which phases to write."""

    NEXT = "next"
    INTRODUCE = "introduce"
    REPOINT = "repoint"
    RETIRE = "retire"
    ROLLBACK = "rollback"
    ALL = "all"


def patch(
    sources: options.Sources = None,
    phase: Annotated[
        PhaseChoice,
        typer.Option(
            "--phase",
            help="Write what is safe now, a preview, or the way back.",
            rich_help_panel=usage.ROTATION,
        ),
    ] = PhaseChoice.NEXT,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="ADDRESS",
            help="Only this certificate; repeatable.",
            rich_help_panel=usage.ROTATION,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="The successor's name. [default: <base>_<yyyymm>]",
            rich_help_panel=usage.ROTATION,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Write patches and RUNBOOK.md to this folder.",
            rich_help_panel=usage.OUTPUT,
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Edit the files.", rich_help_panel=usage.OUTPUT)
    ] = False,
    even_if_not_due: Annotated[
        bool,
        typer.Option(
            "--even-if-not-due",
            help="Also certificates that are not near their end.",
            rich_help_panel=usage.ROTATION,
        ),
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Let terraform or tofu validate the text of each phase on a copy first.",
            rich_help_panel=usage.ROTATION,
        ),
    ] = False,
    trust_bundle: Annotated[
        bool,
        typer.Option(
            "--trust-bundle",
            help="Keep both PEMs in the trust bundles, from introduce until retire.",
            rich_help_panel=usage.ROTATION,
        ),
    ] = False,
    recursive: options.Recursive = False,
    config: options.Config = None,
    policy: options.PolicyFile = None,
    policy_base: options.PolicyBase = None,
    trust: options.Trust = False,
    trust_file: options.TrustFiles = None,
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
    as_of: options.AsOf = None,
    profile: options.Profile = None,
    role_arn: options.RoleArn = None,
    region: options.Region = None,
    timeout: options.Timeout = 20.0,
    tool: options.ToolName = None,
    tool_env: options.ToolEnv = None,
    verbose: options.Verbose = False,
) -> None:
    """Write the patches of a rotation: a diff on stdout, files with --out, or the edit itself with
    --write.

    Exit codes: 0 written, or nothing to do; 2 usage or unreadable input; 3 something is blocked or
    could not be verified.
    """  # noqa: D205 -- the first paragraph is the short help
    from msgspec.structs import replace

    from checker.cli import load
    from checker.cli.aws import Aws
    from checker.cli.patch_output import deliver, deliver_each
    from checker.cli.patch_result import Request
    from checker.cli.policy_base import run_policy
    from checker.cli.policy_options import options as given
    from checker.cli.verify import find_verifier

    wanted = options.wanted(tool, tool_env, offline=offline)
    asking = options.asking(
        probe=probe,
        report=probe_report,
        max_age=probe_max_age,
        given=(method, any_get, unsafe, header, max_calls, yes),
        offline=offline,
        as_of=as_of,
    )
    request = Request.of(
        phase=str(phase),
        only=tuple(only or ()),
        name=name,
        even_if_not_due=even_if_not_due,
        trust_bundle=trust_bundle,
        out=out,
        write=write,
        verify=find_verifier(wanted) if verify else None,
    )
    settle = load.settle_killed if write else load.settle_or_report
    with run_policy(
        policy, policy_base, given=given(threshold=threshold, notice=notice)
    ) as in_force:
        moment = load.parse_as_of(as_of)
        aws = Aws(
            profile=profile,
            role_arn=role_arn,
            region=region,
            timeout=timeout,
            accounts=in_force.policy.accounts,
        )
        trusting = in_force.trusting(trust_file, aws.bundles(offline=offline))
        observe = aws.observer(offline=offline)
        request = replace(request, trust=aws.trust(wanted=trust, offline=offline))
        in_force.warn()
        if asking is not None:
            request = replace(request, probe=asking.probe(aws, timeout))
        with aws.counted(shown=verbose):
            if recursive:
                code = deliver_each(
                    sources or (),
                    observe,
                    request,
                    config=config,
                    tool=wanted,
                    policy=trusting,
                    as_of=moment,
                    settle=settle,
                )
                raise typer.Exit(code)
            loaded = load.load(
                sources or (),
                config=config,
                tool=wanted,
                fetch=aws.fetch,
                tags=in_force.policy.tags,
                settle=settle,
            )
            code = deliver(loaded, observe, request, policy=trusting, as_of=moment).exit_code
    raise typer.Exit(code)
