"""The functions that `make fuzz` feeds. Each raises an Exception that is a finding, or returns.

A target may only raise TfcertError inside, and ends within limits of time and memory.
"""

from __future__ import annotations

import contextlib
import io
import re
import resource
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from world import CERTIFICATE, STAGE, World, git, tree

from checker.cli.commands.policy_show import policy_lines
from checker.cli.policy_options import ResolvedPolicy
from checker.cli.post_comment import CommentRequest, post_comment
from checker.errors import TfcertError, UnreadableError
from checker.forges.comment import (
    AZURE_LIMIT,
    BITBUCKET_LIMIT,
    GITHUB_LIMIT,
    GITLAB_LIMIT,
    Behavior,
    Marker,
    comment_body,
    read_marker,
)
from checker.forges.proposals.marker import (
    claimed_content,
    read_request_marker,
    without_marker,
)
from checker.forges.pull_request import Forge, PullRequest
from checker.hcl.readings import block_counts, by_hcl2, by_tree_sitter
from checker.hcl.syntax import SourceFile
from checker.model.address import parse
from checker.model.resource_types import CERTIFICATES, STAGES
from checker.model.rotation import Phase
from checker.patches.patch import PhasePatch
from checker.policyfile.resolve import Layer, merge_layers, read_chain
from checker.reports.json_v1_read import read_document as read_outcome
from checker.reports.markdown import size
from checker.reports.markdown.escape import NamedAccounts
from checker.terraform.load import read_source

HERE = Path(__file__).parent
SLOWEST = 5.0  # seconds of processor time
MOST_MEMORY = 512 * 1024  # KiB by which one input may raise the peak of the process
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class FindingError(Exception):
    """An answer that is not an exception, and wrong."""


# Other blocks with this attribute are in the corpus, and are read as consumers of a PEM.
CONSUMERS = {parse("aws_api_gateway_deployment.d"): frozenset({"description", "triggers"})}


def documents(data: bytes) -> None:
    """Read a plan or a state, and what consumers have in it."""
    read_source("-", tool=None, stdin=lambda: data, tags={"Name", "environment"})
    read_source("-", tool=None, stdin=lambda: data, consumers=CONSUMERS)


def policies(data: bytes) -> None:
    """Read a policy, and what `tfcert policy show` prints of it; no other file is read."""

    def read(path: str) -> bytes:
        if path.endswith("base.toml"):
            return b'threshold_days = 40\n[rules]\ncertificate-unused = "off"\n'
        raise UnreadableError("there is no such file", where=path)

    shown = _shown(read_chain("live/tfcert.toml", data, read))
    text = "\n".join(shown)
    try:
        # Its paths are as seen from the current folder.
        again = _shown(read_chain("tfcert.toml", text.encode(), read))
    except TfcertError as error:
        raise FindingError(f"what `policy show` prints is refused: {error}") from error
    if again != shown:
        raise FindingError("what `policy show` prints is another policy")


def _shown(layers: tuple[Layer, ...]) -> list[str]:
    """Return the lines of `tfcert policy show`, without the origins."""
    merged = merge_layers(layers, "tfcert.toml")
    found = [*policy_lines(ResolvedPolicy(policy=merged, layers=layers))]
    if not all(line.shown.isprintable() for line in found):
        raise FindingError("a line of `policy show` that a terminal cannot show")
    return [line.text for line in found]


def edits(data: bytes) -> None:
    """Rotate the certificate of a configuration through all phases, and apply each patch by git.

    The blocks before and after are compared by both parsers, without the code of the proof.
    """
    with tempfile.TemporaryDirectory() as top:
        # A module call may lead out of its folder; nothing of the machine is near.
        folder = Path(top, "a/b/c/d/e")
        folder.mkdir(parents=True)
        (folder / "main.tf").write_bytes(data)
        made = World(folder=folder, **_state(data))
        _, found = made.ask(every=True, trust_bundle=bool(zlib.crc32(data) & 1))
        for patch in found.patches:
            _apply(patch, folder)
            for change in patch.changes:
                _compare(patch.phase, change.before or b"", change.after)


_BLOCK = re.compile(rb'resource\s+"(aws\w*_(?:client_certificate|stage))"\s+"([a-z]\w{0,20})"')
_NAMED = re.compile(rb"client_certificate\.([a-z]\w*)")
_MOST = 6


def _state(data: bytes) -> dict[str, dict[str, str]]:
    """Return a state that has the declared certificates, and stages that present the named ones."""
    _, *found = _BLOCK.split(data)
    blocks = [
        (f"{kind.decode()}.{name.decode()}{_key(body)}", name, body)
        for kind, name, body in zip(*(found[at::3] for at in range(3)), strict=True)
    ]
    certificates = [each for each in blocks if "_client_certificate." in each[0]][:_MOST]
    ids = {name: f"old{number}" for number, (_, name, _) in enumerate(certificates)}
    stages: dict[str, str] = {}
    for address, _, body in blocks[: 2 * _MOST]:
        kind = address.partition(".")[0]
        if kind in STAGES:
            named = _NAMED.search(body)
            stages[address] = ids.get(named[1] if named else b"", "old0")
    return {
        "certificates": {
            address: ids[name]
            for address, name, _ in certificates
            if address.partition(".")[0] in CERTIFICATES
        }
        or {f"{CERTIFICATE}.orders": "old0"},
        "stages": stages or {f"{STAGE}.prod": "old0"},
    }


def _key(body: bytes) -> str:
    if re.search(rb"\bcount\s*=", body):
        return "[0]"
    key = re.search(rb"\bfor_each\s*=[^\n]*?\b(\w+)", body)
    return '["blue"]' if key else ""


def _apply(patch: PhasePatch, folder: Path) -> None:
    wanted = tree(folder) | {change.path: change.after for change in patch.changes}
    git(folder, "apply", "--whitespace=nowarn", data=patch.diff(""))
    if tree(folder) != wanted:
        raise FindingError(f"{patch.phase}: git apply does not give the proven text")


def _compare(phase: Phase, before: bytes, after: bytes) -> None:
    """Check that introduce takes no block away, repoint keeps all, and retire adds none."""
    counts = [
        [block_counts(read(SourceFile("main.tf", text))) for text in (before, after)]
        for read in (by_tree_sitter, by_hcl2)
    ]
    if counts[0] != counts[1]:
        raise FindingError(f"{phase}: the parsers read different blocks")
    old, new = (Counter(each) for each in counts[0])
    if (phase is not Phase.RETIRE and old - new) or (phase is not Phase.INTRODUCE and new - old):
        raise FindingError(f"{phase}: blocks differ: {old - new} and {new - old}")


LIMITS = {
    Forge.GITHUB: GITHUB_LIMIT,
    Forge.GITLAB: GITLAB_LIMIT,
    Forge.AZURE: AZURE_LIMIT,
    Forge.BITBUCKET: BITBUCKET_LIMIT,
}
OWN = Marker(key="default", repository="octo-org/gateway", at=NOW, run=7)


def bot(data: bytes) -> None:
    """Post an outcome on each forge in a dry run; read any other text as a forge's answer."""
    if data.lstrip()[:1] == b"{":
        document = read_outcome("-", data)
        for forge, limit in LIMITS.items():
            for masked in (False, True):
                _post(forge, limit, NamedAccounts(name="", document=document), masked=masked)
        return
    body = data.decode("utf-8", "replace")
    comment_body(body)
    without_marker(body)
    claimed_content(body)
    marker = read_marker(body)
    if marker is not None:
        OWN.older_than(marker)
        marker.older_than(OWN)
        for line in (marker.line, marker.reference):
            if read_marker(f"{line}\nmore") != marker or len(line.splitlines()) != 1:
                raise FindingError(f"a marker is not read as it is written: {line!r}")
    request = read_request_marker(body)
    if request is not None and read_request_marker(f"text\n{request.line}") != request:
        raise FindingError(f"a marker is not read as it is written: {request.line!r}")


def _post(forge: Forge, limit: int, outcome: NamedAccounts, *, masked: bool) -> None:
    target = PullRequest(
        base_url="", token=None, repository="octo-org/gateway", number=7, commit="abcdef1", run=7
    )
    letter = CommentRequest(
        documents=(outcome,), key="default", masked=masked, artifact=None, always=True
    )
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        post_comment(forge, target, letter, Behavior.UPDATE, dry_run=True)
        printed.flush()
    body = printed.buffer.getvalue().decode()  # type: ignore[attr-defined]
    marker = read_marker(body)
    if marker is None or marker.key != "default" or marker.repository != "octo-org/gateway":
        raise FindingError(f"{forge}: the comment has not the marker of this run")
    if size(body) > limit:
        raise FindingError(f"{forge}: a comment of {size(body)}, and {limit} is allowed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A function to feed, whether its inputs are JSON, and the longest input in bytes.

    A target has a corpus and a dictionary of its own, or those of the target `inputs`.
    """

    name: str
    feed: Callable[[bytes], None]
    json: bool
    longest: int
    inputs: str = ""

    @property
    def corpus(self) -> Path:
        """Return the folder of its corpus."""
        return HERE / "corpus" / (self.inputs or self.name)

    @property
    def dictionary(self) -> Path:
        """Return its dictionary, in the form of libFuzzer."""
        return HERE / f"{self.inputs or self.name}.dict"

    def check(self, data: bytes) -> None:
        """Feed one input; raise FindingError or the target's own Exception for a finding."""
        started, peak = time.process_time(), _peak()
        try:
            self.feed(data)
        except TfcertError as error:
            if not error.where or not str(error).isprintable():
                raise FindingError(
                    f"an error without a place, or one that a terminal cannot show: {error!r}"
                ) from error
        spent, grown = time.process_time() - started, _peak() - peak
        if spent > SLOWEST:
            raise FindingError(f"took {spent:.1f} seconds")
        if grown > MOST_MEMORY:
            raise FindingError(f"took {grown // 1024} MiB")


def _peak() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


TARGETS = (
    Target(name="documents", feed=documents, json=True, longest=64 * 1024),
    Target(name="edits", feed=edits, json=False, longest=4 * 1024),
    Target(name="policies", feed=policies, json=False, longest=16 * 1024),
    Target(name="bot", feed=bot, json=True, longest=64 * 1024),
)


def _planted(data: bytes) -> None:
    """Read a policy; every input that is not in the corpus is a finding."""
    policies(data)
    if data and data not in {file.read_bytes() for file in PLANTED.corpus.iterdir()}:
        raise KeyError("planted")


# For the test that a finding is reported.
PLANTED = Target(name="planted", feed=_planted, json=False, longest=16 * 1024, inputs="policies")
