"""`patch --recursive`: patch each root module below some folders on its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from checker.cli import output
from checker.cli.load import RootModules, read_root_modules
from checker.cli.loaded import Loaded
from checker.cli.patch_output import PatchResult, Request, deliver
from checker.cli.patch_preview import relative_folder
from checker.errors import TfcertError, UsageError
from checker.model.policy import Policy
from checker.pipeline import Observe
from checker.reports.escape import printable
from checker.terraform.tool import Wanted


def deliver_each(
    sources: Sequence[str],
    observe: Observe | None,
    request: Request,
    *,
    config: str | None,
    tool: Wanted,
    policy: Policy,
    as_of: datetime,
    settle: Callable[[str], None] | None = None,
) -> int:
    """Write the requested patches of every root module, print the results, return the exit code.

    A module that cannot be read or written does not stop the others; it is printed, and the exit
    code is 3.
    """
    tree = read_root_modules(sources, config=config, tool=tool, tags=policy.tags, settle=settle)
    known, code = not request.wish.only, 0
    for directory, loaded in tree.read:
        found = _deliver(directory, loaded, observe, request, policy=policy, as_of=as_of)
        known, code = known or found.known, max(code, found.exit_code)
    if not known and not tree.unread:
        raise UsageError(
            "no such certificate in any root module",
            where="--only",
            remedy="`tfcert check --recursive` lists them",
        )
    for root in tree.unread:
        output.write(
            printable(f"# {root.path}: could not be read: {root.reason} ({root.remedy})").encode()
            + b"\n"
        )
    output.write(_summary(tree).encode())
    return 3 if tree.unread else code


def _deliver(
    directory: str,
    loaded: Loaded,
    observe: Observe | None,
    request: Request,
    *,
    policy: Policy,
    as_of: datetime,
) -> PatchResult:
    own = (
        replace(request, out=str(Path(request.out, relative_folder(directory))))
        if request.out is not None
        else request
    )
    try:
        return deliver(loaded, observe, own, policy=policy, as_of=as_of, root=directory)
    except TfcertError as error:
        output.write(printable(f"# {directory}: {error}").encode() + b"\n")
        return PatchResult(exit_code=3, known=True)


def _summary(tree: RootModules) -> str:
    return (
        f"# root modules: {len(tree.read)} read, {len(tree.unread)} not read, "
        f"{tree.unconcerned} without anything of ours\n"
    )
