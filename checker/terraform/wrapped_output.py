"""Find what was printed around the JSON of a plan or state, and which program printed it."""

from __future__ import annotations

import re

from msgspec import Struct

from checker.errors import UnreadableError
from checker.terraform.decode import PLAN, Buffer, JsonPath

HEAD = 64 * 1024
DIRECTORY = "pass the directory of that file"
_LONGEST_LINE = 300
_LARGEST = 256 * 1024**2
_LINES = 10
_FEWEST = 3
_SHORTEST = 3
_ALONE = "send only the output of `terraform show -json PLANFILE` into the file, without `2>&1`"

_DOCUMENT = re.compile(
    rb'\{\s*"(?:format_version|version|terraform_version|serial|lineage|planned_values'
    rb"|resource_changes|configuration"
    rb'|values|variables|prior_state|output_changes)"\s*:'
)
_COMMENT_OR_BLOCK = re.compile(
    rb"\s*(?:#|//|/\*|(?:resource|data|module|variable|output|provider|terraform|locals|moved"
    rb"|import|removed|check|ephemeral|action|list|language)\b)"
)
_BLOCK = re.compile(
    rb"(?m)^[ \t]*(?:resource|data|module|variable|output|provider|ephemeral|action|list)"
    rb'\s+"[^"\n]*"|^[ \t]*(?:terraform|locals|language)\s*\{'
)
_PRINTED = re.compile(
    rb"(?m)^(?:\x1b\[[0-9;]*m)*"
    rb"(?:(?:Terraform|OpenTofu) (?:will perform|used the selected)|No changes\. "
    rb'|# [\w.\[\]"-]{1,200}:$|Plan: \d+ to )'
)
_COLOURS = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_ERROR = re.compile(r"(?m)^[│\s]*(Error: [^\n]{1,300})")


class Wrapper(Struct, frozen=True, kw_only=True):
    """A program that puts text around a document: its marks, its name and the remedy."""

    marks: re.Pattern[bytes]
    source: str
    remedy: str


_WRAPPERS = (
    Wrapper(
        marks=re.compile(rb"(?m)^\[command\]|^::(?:debug|error|set-output|warning|notice)\b"),
        source="the wrapper of the action hashicorp/setup-terraform",
        remedy="set `terraform_wrapper: false` in the step that uses hashicorp/setup-terraform",
    ),
    Wrapper(
        marks=re.compile(
            rb"(?m)(?:STDOUT|STDERR|INFO|WARN|DEBUG)\s+(?:\[[^\]\n]*\]\s*)?"
            rb"(?:terraform|tofu)\b[^\n]{0,80}|\bterragrunt\b"
        ),
        source="Terragrunt, which puts a prefix before the output of Terraform",
        remedy="run `terragrunt show -json PLANFILE` with `--tf-forward-stdout` (before 0.73: "
        "`--terragrunt-forward-tf-stdout`)",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^\+{1,3} \S|^\$ \S"),
        source="a shell that prints each command (`set -x`)",
        remedy="end that with `set +x`, or send standard error elsewhere: no `2>&1`",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^make(?:\[\d+\])?: "),
        source="make, which prints the folders that it enters",
        remedy="call it as `make -s --no-print-directory`",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^> \S+@\S+ \S|^(?:yarn run |npm ERR|\$ yarn)"),
        source="npm or yarn, which print the name of the script",
        remedy="call it as `npm run --silent` or `yarn --silent`",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^[\w.-]{1,80}\s*\|\s"),
        source="docker compose, which puts the name of the service before each line",
        remedy="run it as `docker compose run --rm -T SERVICE show -json PLANFILE`",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^```|^~~~"),
        source="a code block of Markdown",
        remedy="pass the file itself, without the lines of the code block",
    ),
    Wrapper(
        marks=re.compile(
            rb"Running (?:plan|apply) in|Preparing the remote|Initializing|Refreshing state"
            rb"|(?:Acquir|Releas)ing state"
        ),
        source="another command of Terraform (`init`, `plan` or a remote run)",
        remedy=f"send the output of that command elsewhere, and {_ALONE}",
    ),
    Wrapper(
        marks=re.compile(
            "[╷│╵]|Warning: |Error: |There are some problems with the CLI configuration".encode()
        ),
        source="a warning or an error of Terraform",
        remedy=f"{_ALONE}; correct what Terraform warns of",
    ),
    Wrapper(
        marks=re.compile(
            rb"(?m)^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d|^\[?\d\d:\d\d:\d\d\b|^time=\S"
        ),
        source="a log, which puts the time before each line",
        remedy="pass the file that the command wrote, for instance as an artifact of the "
        "pipeline, not its log",
    ),
    Wrapper(
        marks=re.compile(
            rb"(?m)^(?:Cleaning up|Process exited|\[Container\]|##\[|real\t|user\t|sys\t|exit code"
            rb"|section_(?:start|end):)"
        ),
        source="the pipeline or the shell that ran the command",
        remedy=_ALONE,
    ),
)

_TEXTS: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (
        re.compile(rb"version https://git-lfs"),
        "is a pointer of Git LFS, not the file",
        "run `git lfs pull`",
    ),
    (
        re.compile(rb"(?m)\A<<<<<<< |^=======$.{0,9}^>>>>>>> ", re.DOTALL),
        "has the marks of a merge conflict",
        "resolve the conflict",
    ),
    (
        re.compile(rb"\$ANSIBLE_VAULT"),
        "is encrypted by Ansible Vault",
        "decrypt it: `ansible-vault view FILE | tfcert check -`",
    ),
    (
        re.compile(rb"-----BEGIN (?:PGP|AGE)"),
        "is encrypted",
        "decrypt it first, and pipe the result into `tfcert check -`",
    ),
    (re.compile(rb"-----BEGIN "), "is a PEM file, not a plan or a state", PLAN),
    (
        re.compile(rb"(?i)<!doctype html|<html"),
        "is a web page, for instance of a login",
        "download the file itself",
    ),
    (
        re.compile(rb"<\?xml|<[A-Za-z]"),
        "is XML, for instance an error of a storage service or a test report",
        PLAN,
    ),
    (re.compile(rb"digraph\b"), "is a graph (`terraform graph`), not a plan or a state", PLAN),
    (
        re.compile(rb"eyJ[\w+/=\s-]{40}"),
        "is JSON in base64",
        "decode it first: `base64 -d FILE | tfcert check -`",
    ),
    (
        re.compile(rb"---\s*\n|(?:apiVersion|AWSTemplateFormatVersion|kind|version):\s"),
        "is YAML, not a plan or a state",
        PLAN,
    ),
)


def text_kind(data: Buffer, json_path: JsonPath) -> UnreadableError | None:  # noqa: PLR0911 -- by kind
    """Return the error for text that is not, or not only, a JSON object; None for unknown text."""
    head = bytes(data[:HEAD]).lstrip()
    plain = _COLOURS.sub(b"", head).lstrip()
    start = _DOCUMENT.search(memoryview(data))
    if start is not None and (found := _around(data, start.start(), json_path)):
        return found
    if _COMMENT_OR_BLOCK.match(head) and _BLOCK.search(head) and not _PRINTED.search(head):
        return json_path.unreadable("looks like Terraform configuration", DIRECTORY)
    if _PRINTED.search(head):
        return json_path.unreadable(
            "is what Terraform prints for people, not a plan or a state", PLAN
        )
    for pattern, source, remedy in _TEXTS:
        if pattern.match(plain):
            return json_path.unreadable(source, remedy)
    if start is None and (failed := _failed(plain)):
        return json_path.unreadable(
            f"contains no JSON: {failed}", "correct that, and write the document again"
        )
    if start is None:
        between = next((wrapper for wrapper in _WRAPPERS if wrapper.marks.search(plain)), None)
        if between is not None:
            return json_path.unreadable(
                f"has text between its lines, or instead of them, from {between.source}",
                between.remedy,
            )
        if _has_prefix(plain):
            return json_path.unreadable(
                "has the same text before each of its lines, which the program that wrote it put "
                "there",
                _ALONE,
            )
    return None


def _has_prefix(text: bytes) -> bool:
    """Return whether each of the first lines begins with one text that is not JSON."""
    lines = [line for line in text.splitlines()[:_LINES] if line.strip()]
    if len(lines) < _FEWEST:
        return False
    start = lines[0][:_SHORTEST]
    return (
        len(start.strip()) > 1
        and not start.startswith((b"{", b'"'))
        and all(line.startswith(start) for line in lines)
    )


def _around(data: Buffer, start: int, json_path: JsonPath) -> UnreadableError | None:  # noqa: PLR0911 -- a line a kind
    """Return the error for a document that has text before or after it."""
    size = len(memoryview(data))
    before = bytes(data[max(0, start - HEAD) : start])
    end = _end(data, start)
    after = b"" if end is None else bytes(data[end : end + HEAD])
    shown = (
        _COLOURS.sub(b"", before).strip(b"\xef\xbb\xbf \t\r\n\0"),
        _COLOURS.sub(b"", after).strip(),
    )
    if not before.strip() and not after.strip():
        return None
    quoted = {shown[0][-1:], shown[1][:1]} & {b"'", b'"', b"`"}
    if quoted and len(shown[0]) <= 1 and len(shown[1]) <= 1:
        return json_path.unreadable(
            "is JSON in quotation marks, as a shell or a variable leaves them",
            "write it again without them: redirect with `>` alone",
        )
    where = " and ".join(filter(None, (_before(before, start), _after(after, end, size))))
    if shown == (b"", b""):
        return json_path.unreadable(
            f"has {where}: codes of colours", "turn colours off: `-no-color`, or NO_COLOR=1"
        )
    if shown[1][:1] == b"{" and not shown[0]:
        return json_path.unreadable(
            f"has {where}: a second JSON document",
            "two commands wrote into one file, or one with `>>`: write each into a file of its "
            "own, and pass both",
        )
    if shown[0].endswith(b"[") and len(shown[0]) == 1:
        return None
    text = _COLOURS.sub(b"", before) + b"\n" + _COLOURS.sub(b"", after)
    for wrapper in _WRAPPERS:
        if wrapper.marks.search(text):
            return json_path.unreadable(f"has {where}, from {wrapper.source}", wrapper.remedy)
    return json_path.unreadable(f"has {where}, from the program that wrote the file", _ALONE)


def _before(text: bytes, start: int) -> str:
    return f"text before the JSON, which begins at byte {start}" if text.strip() else ""


def _after(text: bytes, end: int | None, size: int) -> str:
    return f"text after the JSON, which ends at byte {end} of {size}" if text.strip() else ""


def _end(data: Buffer, start: int) -> int | None:
    """Return the offset after the document; None if it is endless or too large to scan twice."""
    import json

    if len(memoryview(data)) > _LARGEST:
        return None
    text = bytes(data[start:]).decode("utf-8", "replace")
    try:
        _, end = json.JSONDecoder(parse_constant=str).raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return start + len(text[:end].encode())


def _failed(text: bytes) -> str | None:
    """Return the error message of a command that failed before it printed anything else."""
    if re.search(rb"(?m)^::error::Terraform exited", text):
        return (
            "the wrapper of hashicorp/setup-terraform says that Terraform failed; the log of "
            "that step has the reason"
        )
    decoded = text.decode("utf-8", "replace")
    found = _ERROR.search(decoded)
    if found is None:
        return None
    details = error_lines(decoded[found.end() :])
    return ": ".join(filter(None, (f"Terraform failed with “{found[1].strip()}”", details)))


def error_lines(text: str) -> str:
    """Return the lines after the headline of a Terraform error, as one line.

    The line has at most 300 characters.
    """
    lines = [
        re.sub(r"[^\S ]|[^\x20-\uffff]|[\x7f-\x9f│╷╵]", "", line).strip()
        for line in text.splitlines()
    ]
    whole = " ".join(line for line in lines if line and not line.startswith("Warning"))
    return whole if len(whole) <= _LONGEST_LINE else whole[: _LONGEST_LINE - 1] + "…"
