"""`tfcert bundle`: the PEMs that backends must trust now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.cli import options, usage

if TYPE_CHECKING:
    from checker.model.outcome import Outcome
    from checker.reports.servers.kit import ServerKind
    from checker.rotation.trust_bundle import TrustedCertificate


def bundle(
    sources: options.Sources = None,
    server: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="SERVER",
            help="Write what this server needs to accept these certificates only: alb, nlb, "
            "nginx, haproxy, apache, envoy, caddy, java, python, node or go.",
            rich_help_panel=usage.OUTPUT,
        ),
    ] = None,
    no_comments: Annotated[
        bool,
        typer.Option(
            "--no-comments",
            help="Write the PEMs only, without blank lines.",
            rich_help_panel=usage.OUTPUT,
        ),
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            "--output",
            metavar="FILE",
            help="Write the bundle to this file, if it is complete; with --for, "
            "the server's files to this folder. [default: stdout]",
            rich_help_panel=usage.OUTPUT,
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

    Exit codes: 0 complete, 2 usage or unreadable input, 3 a PEM is not known, something could not
    be verified, or --for leaves out a certificate in use that has ended.
    """
    from checker.cli import load, output
    from checker.cli.aws import Aws
    from checker.cli.policy_base import run_policy
    from checker.model.policy import Run
    from checker.pipeline import bundle as gather

    chosen = _server(server, no_comments=no_comments) if server is not None else None
    wanted = options.wanted(tool, tool_env, offline=offline)
    with run_policy(policy, policy_base) as in_force:
        run = Run(as_of=load.parse_as_of(as_of), policy=in_force.policy)
        aws = Aws(
            profile=profile,
            role_arn=role_arn,
            region=region,
            timeout=timeout,
            accounts=run.policy.accounts,
        )
        with aws.counted(shown=verbose):
            loaded = load.load(
                sources or (), config=config, tool=wanted, fetch=aws.fetch, tags=run.policy.tags
            )
            if out is not None:
                output.refuse_inputs(
                    tuple(("pem", file) for file in _outputs(out, chosen)),
                    sources or (),
                    loaded,
                    option="--out",
                    policy=policy,
                )
            outcome, found = gather(loaded.inventory, aws.observer(offline=offline), run)
        outcome = in_force.with_notices(outcome)
    for notice in outcome.notices:
        output.warn(notice)
    output.warn_unverified(outcome)
    if chosen is not None:
        raise typer.Exit(_deliver_files(outcome, found, chosen, out))
    raise typer.Exit(_deliver(outcome, found, out, no_comments=no_comments))


def _server(name: str, *, no_comments: bool) -> ServerKind:
    from checker.errors import UsageError
    from checker.model.text_values import did_you_mean
    from checker.reports.servers import SERVERS

    if name not in SERVERS:
        raise UsageError(
            f"{name!r} is not a known server",
            where="--for",
            remedy=did_you_mean(name, tuple(SERVERS)),
        )
    if no_comments:
        raise UsageError(
            "--no-comments does not apply to the files of a server",
            where="--for",
            remedy="omit one of the two options",
        )
    return SERVERS[name]


def _outputs(out: str, server: ServerKind | None) -> tuple[str, ...]:
    """Return the files that the run writes; with a server, `out` is their folder."""
    if server is None:
        return (out,)
    return tuple(str(Path(out, name)) for name in (*server.names, server.page))


def _deliver(
    outcome: Outcome, found: tuple[TrustedCertificate, ...], out: str | None, *, no_comments: bool
) -> int:
    """Write the bundle and return the exit code; only a complete bundle replaces a file."""
    from checker.cli import output
    from checker.cli.atomic_write import replace_file
    from checker.reports.escape import encoded
    from checker.reports.pem_bundle import plain, render, unknown

    text = plain(found) if no_comments else render(found, as_of=outcome.cases.as_of)
    missing = unknown(found)
    gone = _warn(found, missing)
    if out is None:
        output.write(encoded(text))
    elif missing or not found:
        _keep(out)
    else:
        replace_file(Path(out), encoded(text))
    return 3 if missing or outcome.unverified or gone or (out is not None and not found) else 0


def _deliver_files(
    outcome: Outcome, found: tuple[TrustedCertificate, ...], server: ServerKind, out: str | None
) -> int:
    """Write what a server needs and return the exit code; only complete files replace files."""
    from checker.cli import output
    from checker.cli.atomic_write import replace_files
    from checker.errors import UsageError
    from checker.reports.escape import encoded
    from checker.reports.pem_bundle import unknown
    from checker.reports.servers import current, page, unreadable

    missing = (*unknown(found), *unreadable(found))
    gone = _warn(found, missing)
    pins, ended = current(found, as_of=outcome.cases.as_of)
    for entry in ended:
        output.warn(
            f"left out: {entry.label} ({entry.case.id}) has ended, and {server.title} must not "
            f"accept it; {entry.why}"
        )
    if not pins:
        if found:
            output.warn("there is no certificate to write: none is known that has not ended")
        if out is not None:
            _keep(out)
        return 3
    kit = server.write(pins)
    text = page(server, kit, pins, missing=missing)
    if out is None:
        output.write(encoded(text))
    elif missing:
        _keep(out)
    else:
        folder = Path(out)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                error.strerror or "cannot be written", where=out, remedy="name a folder with --out"
            ) from error
        texts = {folder / file.name: encoded(file.text) for file in kit.files}
        replace_files({**texts, folder / server.page: encoded(text)})
        output.warn(f"{folder / server.page} says where each file belongs, and how to reload")
    in_use = any(entry.case.subject.now for entry in ended)
    return 3 if missing or outcome.unverified or gone or in_use else 0


def _warn(found: tuple[TrustedCertificate, ...], missing: tuple[str, ...]) -> bool:
    """Warn of what is missing; return whether AWS does not know one of the certificates."""
    from checker.cli import output
    from checker.model.cases import Evidence

    for sentence in missing:
        output.warn(f"incomplete: {sentence}")
    gone = [entry for entry in found if entry.case.evidence is Evidence.GONE]
    for entry in gone:
        output.warn(
            f"AWS does not know {entry.label} ({entry.case.id}): {entry.why}; run `tfcert check`"
        )
    if not found:
        output.warn("no stage presents a certificate, so there is nothing to trust")
    return bool(gone)


def _keep(out: str) -> None:
    from checker.cli import output

    output.warn(
        f"{out} is left as it was: a bundle that lacks a certificate would shut callers out"
    )
