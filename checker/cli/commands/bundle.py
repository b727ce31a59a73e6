"""`tfcert bundle`: the PEMs that backends must trust now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.cli import options

if TYPE_CHECKING:
    from checker.model.outcome import Outcome
    from checker.rotation.trust_bundle import TrustedCertificate


def bundle(
    sources: options.Sources = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the bundle to this file, if it is complete. [default: stdout]",
        ),
    ] = None,
    config: options.Config = None,
    policy: options.PolicyFile = None,
    policy_base: options.PolicyBase = None,
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
    """Write the PEMs that backends must trust now, with fingerprints and end dates as comments.

    Exit codes: 0 complete, 2 usage or unreadable input, 3 a PEM is not known or something could not
    be verified.
    """
    from checker.cli import load, output
    from checker.cli.aws import Aws
    from checker.cli.policy_base import holding
    from checker.model.policy import Run
    from checker.pipeline import bundle as gather

    wanted = options.wanted(tool, tool_env, offline=offline)
    with holding(policy, policy_base) as held:
        run = Run(as_of=load.parse_as_of(as_of), policy=held.policy)
        aws = Aws(
            profile=profile,
            role_arn=role_arn,
            region=region,
            timeout=timeout,
            accounts=run.policy.accounts,
        )
        with aws.counted(told=verbose):
            loaded = load.load(
                sources or (), config=config, tool=wanted, fetch=aws.fetch, tags=run.policy.tags
            )
            if out is not None:
                output.refuse_inputs(
                    (("pem", out),), sources or (), loaded, option="--out", policy=policy
                )
            outcome, found = gather(loaded.inventory, aws.observer(offline=offline), run)
        outcome = held.told(outcome)
    for notice in outcome.notices:
        output.warn(notice)
    output.warn_unverified(outcome)
    raise typer.Exit(_deliver(outcome, found, out))


def _deliver(outcome: Outcome, found: tuple[TrustedCertificate, ...], out: str | None) -> int:
    """Write the bundle and return the exit code; only a complete bundle replaces a file."""
    from checker.cli import output
    from checker.cli.atomic_write import replace_file
    from checker.model.cases import Evidence
    from checker.reports.escape import encoded
    from checker.reports.pem_bundle import render, unknown

    text = render(found, as_of=outcome.cases.as_of)
    missing = unknown(found)
    for sentence in missing:
        output.warn(f"incomplete: {sentence}")
    gone = [entry for entry in found if entry.case.evidence is Evidence.GONE]
    for entry in gone:
        output.warn(
            f"AWS does not know {entry.label} ({entry.case.id}): {entry.why}; run `tfcert check`"
        )
    if not found:
        output.warn("no stage presents a certificate, so there is nothing to trust")
    if out is None:
        output.write(encoded(text))
    elif missing or not found:
        output.warn(
            f"{out} is left as it was: a bundle that lacks a certificate would shut callers out"
        )
    else:
        replace_file(Path(out), encoded(text))
    return 3 if missing or outcome.unverified or gone or (out is not None and not found) else 0
