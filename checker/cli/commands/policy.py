"""`tfcert policy`: show, check and explain the policy, and print its schema."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from checker.cli import options
from checker.cli.usage import POLICY, Verb, Verbs
from checker.model.severity import FailOn

if TYPE_CHECKING:
    from checker.model.exemptions import Exemption, FaultyExemption

policy = typer.Typer(
    cls=Verbs,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show, check and explain the policy.",
)

_FailOn = Annotated[
    FailOn | None,
    typer.Option(
        "--fail-on", help="The severity that makes the exit code 1.", rich_help_panel=POLICY
    ),
]


@policy.command(cls=Verb)
def show(
    file: options.PolicyFile = None,
    policy_base: options.PolicyBase = None,
    threshold: options.Threshold = None,
    notice: options.Notice = None,
    fail_on: _FailOn = None,
) -> None:
    """Print every value that applies, as a policy file, with where it comes from: pack, file and
    line, variable or option.
    """  # noqa: D205 -- the first paragraph is the short help
    from checker.cli import policy_options
    from checker.cli.commands.policy_show import policy_lines
    from checker.cli.policy_base import run_policy

    with run_policy(
        file,
        policy_base,
        given=policy_options.options(threshold=threshold, notice=notice, fail_on=fail_on),
    ) as in_force:
        typer.echo("\n".join(line.shown for line in policy_lines(in_force.resolved)))
        in_force.warn()


@policy.command(cls=Verb)
def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Policies, or .tf files for the exemptions in them. "
            "[default: the policy that applies here]",
        ),
    ] = None,
    policy_base: options.PolicyBase = None,
) -> None:
    """Say whether policies and exemptions are right, and what in them will surprise; exit code 2
    where one is not.
    """  # noqa: D205 -- the first paragraph is the short help
    from datetime import UTC, datetime

    from checker.cli.policy_base import RunPolicy, committed
    from checker.cli.policy_warnings import inline_exemptions, is_configuration, policy_warnings

    today = datetime.now(UTC).date()
    configuration = [file for file in files or () if is_configuration(file)]
    with committed(policy_base) as base:
        for file in [file for file in files if file not in configuration] if files else (None,):
            in_force = RunPolicy(file, base)
            found = in_force.resolved
            name = found.layers[-1].toml_file.path if found.layers else "pack default"
            counts = (
                f"scopes: {len(found.policy.scopes)}, exemptions: {len(found.policy.exemptions)}"
            )
            typer.echo(f"{name}: is a policy ({counts})")
            for caution in policy_warnings(found, today=today):
                typer.echo(f"careful: {caution}")
            in_force.warn()
        _comments(tuple(inline_exemptions(configuration, base)), today=today)


def _comments(found: "Sequence[Exemption | FaultyExemption]", *, today: "date") -> None:
    from checker.cli.output import warn
    from checker.model.exemptions import FaultyExemption
    from checker.reports.escape import printable

    faulty = [each for each in found if isinstance(each, FaultyExemption)]
    for each in found:
        if not isinstance(each, FaultyExemption):
            over = f"; careful: it ran out on {each.until}" if each.until < today else ""
            typer.echo(
                printable(f"{each.location}: exempts from {each.rule} until {each.until}{over}")
            )
    for each in faulty:
        warn(f"error: {each.location}: {each.reason} ({each.remedy})")
    if faulty:
        raise typer.Exit(2)


@policy.command(cls=Verb)
def schema() -> None:
    """Print the JSON Schema of a policy file."""
    from importlib.resources import files

    typer.echo(
        files("checker.policyfile").joinpath("schemas/policy-v1.schema.json").read_text("utf-8"),
        nl=False,
    )


@policy.command(cls=Verb)
def explain(
    address: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="A certificate or a stage, or a certificate's id."),
    ],
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="A plan, a state or a directory. [default: .]"),
    ] = None,
    config: options.Config = None,
    file: options.PolicyFile = None,
    policy_base: options.PolicyBase = None,
    no_inline_exemptions: options.NoInline = False,
    threshold: options.Threshold = None,
    notice: options.Notice = None,
    fail_on: _FailOn = None,
    tool: options.ToolName = None,
    tool_env: options.ToolEnv = None,
) -> None:
    """Say which scopes apply to a certificate or a stage, why the others do not, and what
    follows; AWS is not asked.
    """  # noqa: D205 -- the first paragraph is the short help
    from checker.cli import load, policy_options
    from checker.cli.aws import Aws
    from checker.cli.commands.policy_explain import explain_lines
    from checker.cli.policy_base import run_policy

    given = policy_options.options(threshold=threshold, notice=notice, fail_on=fail_on)
    with run_policy(file, policy_base, given=given, inline=not no_inline_exemptions) as in_force:
        aws = Aws(profile=None, role_arn=None, region=None, timeout=20.0)
        loaded = load.load(
            (source,) if source is not None else (),
            config=config,
            tool=options.wanted(tool, tool_env),
            fetch=aws.fetch,
            tags=in_force.policy.tags,
        )
        inventory = in_force.exemptions(loaded).inventory
        typer.echo("\n".join(explain_lines(in_force.resolved, inventory, address)))
        in_force.warn()
