"""Binary plans: a zip that only the tool that wrote it can read, with the providers of its directory.

Source: terraform internal/plans/planfile (the members of the zip) and internal/command/show.go.
"""

from __future__ import annotations

from pathlib import Path

from checker.domain.errors import UnreadableError
from checker.readers.asking import ask
from checker.readers.decoding import Buffer
from checker.readers.spot import Spot
from checker.readers.tool import Tool

_PLAN = "tfplan"
_MOST_MEMBERS = 100_000
_LARGEST = 2 * 1024**3


def show_plan(path: str, data: Buffer, tool: Tool | None, directory: str | None) -> memoryview:
    """The JSON of a binary plan, as the tool's `show -json` prints it in the directory of the configuration.

    `directory` defaults to the plan's own. Raises UnreadableError for a zip that is no plan, without a tool, and for a tool
    that fails.
    """
    _check(data, Spot(path))
    if tool is None:
        raise UnreadableError(
            "is a binary plan, and neither terraform nor tofu is there to read it",
            where=path,
            remedy="install one, name one with --tool, or pass what `terraform show -json` prints of it",
        )
    file = Path(path).absolute()
    answer = ask(tool, ("show", "-json", str(file)), directory or str(file.parent))
    if answer.complaint is not None:
        raise UnreadableError(
            f"`{tool.name} show -json` cannot read this plan: {': '.join(filter(None, (answer.complaint, answer.details)))}",
            where=path,
            remedy="it needs the tool that made it, in the directory where it was made, after `init`; name that with --config",
        )
    return answer.printed


def _check(data: Buffer, spot: Spot) -> None:
    """Look at the zip before the tool does: it unpacks whatever the zip says."""
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
        raise spot.unreadable("is a broken zip", "plan again: a binary plan is cut short or damaged") from error
    if all(member.filename != _PLAN for member in members):
        raise spot.unreadable("is a zip, but not a Terraform plan", "pass a plan or a state")
    if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > _LARGEST:
        raise spot.unreadable("is a zip that unpacks to far more than any plan")
