"""All lines of `tfcert doctor`, in the order in which a run needs the things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from checker.cli.aws import Aws
from checker.cli.first_steps.doctor_line import DoctorLine, Health
from checker.model.policy import AccountAccess
from checker.terraform.tool import Wanted


class DoctorRequest(Struct, frozen=True, kw_only=True):
    """The options of `tfcert doctor`: those of `check` that decide what it can read and ask."""

    source: str
    config: str | None
    policy: str | None
    profile: str | None
    role_arn: str | None
    region: str | None
    timeout: float
    wanted: Wanted
    run_tools: bool

    def aws(self, accounts: tuple[AccountAccess, ...] = ()) -> Aws:
        """Return a session with these options and the accounts of a policy."""
        return Aws(
            profile=self.profile,
            role_arn=self.role_arn,
            region=self.region,
            timeout=self.timeout,
            accounts=accounts,
        )


def examine(request: DoctorRequest, environment: Mapping[str, str]) -> Iterator[DoctorLine]:
    """Yield each line as soon as it is known."""
    from checker.cli.first_steps.forge_token import token_line
    from checker.cli.first_steps.local_lines import find_policy, look_for_tool, read_source

    offline = request.wanted.offline
    policy = find_policy(
        request.policy, lambda found: request.aws(found.accounts).bundles(offline=offline)
    )
    yield policy.line
    found = look_for_tool(request.wanted, environment, _folder(request), run=request.run_tools)
    yield found.line
    aws = request.aws(policy.policy.accounts)
    source = read_source(
        request.source,
        config=request.config,
        tool=found.tool,
        wanted=request.wanted,
        fetch=aws.fetch,
        tags=policy.policy.tags,
        run=request.run_tools,
    )
    yield from source.lines
    if offline:
        yield DoctorLine(about="AWS", health=Health.NOTE, text="not asked (--offline)")
    else:
        from checker.cli.first_steps.aws_lines import aws_lines

        document = source.loaded.inventory.documents[0] if source.loaded is not None else None
        yield from aws_lines(document, aws.gateways(), seconds=request.timeout)
    yield token_line(environment)


def _folder(request: DoctorRequest) -> str:
    """Return the folder where the tool would be started."""
    if request.config is not None:
        return request.config
    if request.source == "-" or request.source.startswith("s3://"):
        return "."
    return request.source if Path(request.source).is_dir() else str(Path(request.source).parent)
