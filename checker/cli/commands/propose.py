"""`tfcert propose`: open a pull request for the next phase of each rotation."""

# Annotations are not postponed: Typer would evaluate each of them again, three times per run.
from enum import StrEnum
from typing import Annotated

import typer

from checker.cli import options, usage


class ProposeForge(StrEnum):
    """The forges on which requests are opened."""

    GITHUB = "github"
    GITLAB = "gitlab"


class GroupChoice(StrEnum):
    """Which rotations share a request."""

    CERTIFICATE = "certificate"
    ROOT = "root"
    ALL = "all"


Names = list[str] | None


def propose(
    forge: Annotated[
        ProposeForge, typer.Argument(metavar="github|gitlab", help="Where the repository is.")
    ],
    folders: Annotated[
        Names,
        typer.Argument(metavar="[FOLDER]...", help="The folders of root modules. [default: .]"),
    ] = None,
    recursive: options.Recursive = False,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="BRANCH",
            help="The branch to change. [default: the repository's default branch]",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = None,
    group: Annotated[
        GroupChoice | None,
        typer.Option(
            "--group",
            help="Which rotations share a request, within one phase. "
            "[default: the policy's, else root]",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="COUNT",
            min=0,
            help="The most requests to open in this run. [default: the policy's, else 5]",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = None,
    open_limit: Annotated[
        int,
        typer.Option(
            "--open-limit",
            metavar="COUNT",
            min=0,
            help="The most requests open at once.",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = 20,
    label: Annotated[
        Names,
        typer.Option(
            "--label",
            metavar="NAME",
            help="A label of new requests; repeatable. [default: the policy's]",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = None,
    assignee: Annotated[
        Names,
        typer.Option(
            "--assignee",
            metavar="USER",
            help="Whom new requests are assigned to; repeatable.",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = None,
    reviewer: Annotated[
        Names,
        typer.Option(
            "--reviewer",
            metavar="USER",
            help="Who is asked to review new requests, ORGANISATION/TEAM for a team on GitHub; "
            "repeatable. [default: the policy's]",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = None,
    draft: Annotated[
        bool,
        typer.Option(
            "--draft", help="Open new requests as drafts.", rich_help_panel=usage.PULL_REQUEST
        ),
    ] = False,
    reopen: Annotated[
        bool,
        typer.Option(
            "--reopen",
            help="Also open requests again that a person has closed.",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = False,
    dashboard: Annotated[
        bool,
        typer.Option(
            "--dashboard",
            help="Keep one issue with every rotation, its phase, date and request.",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = False,
    key: Annotated[
        str,
        typer.Option(
            "--key",
            metavar="KEY",
            help="Tells the requests of this job from those of others on the same repository, one "
            "for each workspace for example.",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = "default",
    repository: Annotated[
        str | None,
        typer.Option(
            "--repository",
            metavar="OWNER/NAME",
            help="[default: the pipeline's]",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print every call that would change something; send none.",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = False,
    policy: options.PolicyFile = None,
    policy_base: options.PolicyBase = None,
    trust: options.Trust = False,
    trust_file: options.TrustFiles = None,
    threshold: options.Threshold = None,
    notice: options.Notice = None,
    as_of: options.AsOf = None,
    profile: options.Profile = None,
    role_arn: options.RoleArn = None,
    region: options.Region = None,
    timeout: options.Timeout = 20.0,
    tool: options.ToolName = None,
    tool_env: options.ToolEnv = None,
    verbose: options.Verbose = False,
) -> None:
    """Open a pull request for the next phase of each rotation, keep it current, and close it when
    it is not needed. The token is in GITHUB_TOKEN or GITLAB_TOKEN. It never merges.

    Exit codes: 0 current; 2 usage, or a forge that does not answer; 3 something is blocked or could
    not be verified.
    """  # noqa: D205 -- the first paragraph is the short help
    import os

    from checker.cli import load
    from checker.cli.aws import Aws
    from checker.cli.policy_base import run_policy
    from checker.cli.policy_options import options as given
    from checker.cli.proposals.access import proposal_forge
    from checker.cli.proposals.run import ProposeOptions, propose, show
    from checker.forges.proposals.forge import People
    from checker.forges.pull_request import Forge
    from checker.model.policy import Grouping, Run

    with run_policy(
        policy, policy_base, given=given(threshold=threshold, notice=notice)
    ) as in_force:
        aws = Aws(
            profile=profile,
            role_arn=role_arn,
            region=region,
            timeout=timeout,
            accounts=in_force.policy.accounts,
        )
        trusting = in_force.trusting(trust_file, aws.bundles(offline=False))
        run = Run(
            as_of=load.parse_as_of(as_of),
            policy=trusting,
            trust=aws.trust(wanted=trust, offline=False),
        )
        in_force.warn()
        limit_of_policy = trusting.propose.limit if trusting.propose.limit is not None else 5
        with aws.counted(shown=verbose):
            result = propose(
                proposal_forge(
                    Forge(forge), repository=repository, environment=os.environ, dry_run=dry_run
                ),
                ProposeOptions(
                    sources=tuple(folders or (".",)),
                    recursive=recursive,
                    base=base,
                    key=key,
                    group=Grouping(group) if group is not None else None,
                    limit=limit if limit is not None else limit_of_policy,
                    open_limit=open_limit,
                    people=People(
                        labels=tuple(label or ()),
                        assignees=tuple(assignee or ()),
                        reviewers=tuple(reviewer or ()),
                    ),
                    draft=draft,
                    reopen=reopen,
                    dashboard=dashboard,
                ),
                aws.observer(offline=False),
                run,
                tool=options.wanted(tool, tool_env),
            )
        show(result)
    raise typer.Exit(result.exit_code)
