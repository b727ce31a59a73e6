"""`tfcert comment`: post the outcome, and keep it current."""

# Annotations are not postponed: Typer would evaluate each of them again, three times per run.
from typing import Annotated

import typer

from checker.cli import usage
from checker.forges.comment import Behavior
from checker.forges.pull_request import Forge


def comment(
    forge: Annotated[
        Forge,
        typer.Argument(metavar="github|gitlab|azure|bitbucket", help="Where the pull request is."),
    ],
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[[NAME=]OUTCOME]...",
            help="The JSON of `tfcert check --format json --patches`, one per workspace; "
            "- is standard input. [default: -]",
        ),
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run",
            metavar="'[NAME=]ARGUMENTS'",
            help="Run `tfcert check ARGUMENTS` instead; repeatable.",
            rich_help_panel=usage.SOURCES,
        ),
    ] = None,
    behavior: Annotated[
        Behavior,
        typer.Option(
            "--behavior",
            help="How to handle an existing comment.",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = Behavior.UPDATE,
    key: Annotated[
        str,
        typer.Option(
            "--key",
            metavar="KEY",
            help="Tells this comment from others of tfcert on the same pull request.",
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
    number: Annotated[
        int | None,
        typer.Option(
            "--number",
            metavar="NUMBER",
            min=1,
            help="The pull or merge request. [default: the one of the pipeline's event]",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = None,
    commit: Annotated[
        str | None,
        typer.Option(
            "--commit",
            metavar="SHA",
            help="[default: the pipeline's]",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = None,
    mask_accounts: Annotated[
        bool,
        typer.Option(
            "--mask-accounts", help="Mask the ids of AWS accounts.", rich_help_panel=usage.OUTPUT
        ),
    ] = False,
    artifact: Annotated[
        str | None,
        typer.Option(
            "--artifact",
            metavar="NAME",
            help="Where the pipeline keeps patches that do not fit.",
            rich_help_panel=usage.OUTPUT,
        ),
    ] = None,
    rule_pages: Annotated[
        str | None,
        typer.Option(
            "--rule-pages",
            metavar="URL",
            help="Where the rules' pages are, to link them: a folder that `tfcert rules --out` "
            "writes.",
            rich_help_panel=usage.OUTPUT,
        ),
    ] = None,
    always: Annotated[
        bool,
        typer.Option(
            "--always",
            help="Comment even if there was never a finding.",
            rich_help_panel=usage.PULL_REQUEST,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print what would be posted, and write nothing.",
            rich_help_panel=usage.OUTPUT,
        ),
    ] = False,
) -> None:
    """Keep one comment with the outcome of checks on a pull request. The token is in GITHUB_TOKEN,
    GITLAB_TOKEN, SYSTEM_ACCESSTOKEN (Azure DevOps) or BITBUCKET_TOKEN.

    Exit codes: those of the outcome, the worst of several: 0, 1 or 3; 2 usage, unreadable input, or
    a forge that does not answer. A token that may not write changes none of them: findings become
    annotations, the report goes into the job's summary.
    """  # noqa: D205 -- the first paragraph is the short help
    import os

    from checker.cli.load_reports import load_reports
    from checker.cli.post_comment import CommentRequest, post_comment, rule_pages_address
    from checker.errors import UsageError
    from checker.forges.pull_request import pull_request

    hiding = {Forge.GITLAB: "GitLab", Forge.BITBUCKET: "Bitbucket"}
    if forge in hiding and behavior is Behavior.HIDE_AND_NEW:
        raise UsageError(
            f"{hiding[forge]} hides no comment",
            where="--behavior",
            remedy="take delete-and-new, or update",
        )
    documents = load_reports(sources or (), run or ())
    target = pull_request(
        forge, repository=repository, number=number, commit=commit, environment=os.environ
    )
    letter = CommentRequest(
        documents=documents,
        key=key,
        masked=mask_accounts,
        artifact=artifact,
        rule_pages=rule_pages_address(rule_pages),
        always=always,
    )
    raise typer.Exit(post_comment(forge, target, letter, behavior, dry_run=dry_run))
