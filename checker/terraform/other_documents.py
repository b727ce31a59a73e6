"""Recognise text that is not JSON or that surrounds JSON: its kind, its source and the remedy.

Messages quote only Terraform's own error messages, because the other text may contain secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Raw, Struct

from checker.errors import UnreadableError
from checker.terraform.decode import PLAN, Buffer, JsonPath, decode

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
    rb"|import|removed|check)\b)"
)
_BLOCK = re.compile(
    rb'(?m)^[ \t]*(?:resource|data|module|variable|output|provider)\s+"[^"\n]*"'
    rb"|^[ \t]*(?:terraform|locals)\s*\{"
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
    says: str
    remedy: str


_WRAPPERS = (
    Wrapper(
        marks=re.compile(rb"(?m)^\[command\]|^::(?:debug|error|set-output|warning|notice)\b"),
        says="the wrapper of the action hashicorp/setup-terraform",
        remedy="set `terraform_wrapper: false` in the step that uses hashicorp/setup-terraform",
    ),
    Wrapper(
        marks=re.compile(
            rb"(?m)(?:STDOUT|STDERR|INFO|WARN|DEBUG)\s+(?:\[[^\]\n]*\]\s*)?"
            rb"(?:terraform|tofu)\b[^\n]{0,80}|\bterragrunt\b"
        ),
        says="Terragrunt, which puts a prefix before the output of Terraform",
        remedy="run `terragrunt show -json PLANFILE` with `--tf-forward-stdout` (before 0.73: "
        "`--terragrunt-forward-tf-stdout`)",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^\+{1,3} \S|^\$ \S"),
        says="a shell that prints each command (`set -x`)",
        remedy="end that with `set +x`, or send standard error elsewhere: no `2>&1`",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^make(?:\[\d+\])?: "),
        says="make, which prints the folders that it enters",
        remedy="call it as `make -s --no-print-directory`",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^> \S+@\S+ \S|^(?:yarn run |npm ERR|\$ yarn)"),
        says="npm or yarn, which print the name of the script",
        remedy="call it as `npm run --silent` or `yarn --silent`",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^[\w.-]{1,80}\s*\|\s"),
        says="docker compose, which puts the name of the service before each line",
        remedy="run it as `docker compose run --rm -T SERVICE show -json PLANFILE`",
    ),
    Wrapper(
        marks=re.compile(rb"(?m)^```|^~~~"),
        says="a code block of Markdown",
        remedy="pass the file itself, without the lines of the code block",
    ),
    Wrapper(
        marks=re.compile(
            rb"Running (?:plan|apply) in|Preparing the remote|Initializing|Refreshing state"
            rb"|(?:Acquir|Releas)ing state"
        ),
        says="another command of Terraform (`init`, `plan` or a remote run)",
        remedy=f"send the output of that command elsewhere, and {_ALONE}",
    ),
    Wrapper(
        marks=re.compile(
            "[╷│╵]|Warning: |Error: |There are some problems with the CLI configuration".encode()
        ),
        says="a warning or an error of Terraform",
        remedy=f"{_ALONE}; correct what Terraform warns of",
    ),
    Wrapper(
        marks=re.compile(
            rb"(?m)^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d|^\[?\d\d:\d\d:\d\d\b|^time=\S"
        ),
        says="a log, which puts the time before each line",
        remedy="pass the file that the command wrote, for instance as an artifact of the "
        "pipeline, not its log",
    ),
    Wrapper(
        marks=re.compile(
            rb"(?m)^(?:Cleaning up|Process exited|\[Container\]|##\[|real\t|user\t|sys\t|exit code"
            rb"|section_(?:start|end):)"
        ),
        says="the pipeline or the shell that ran the command",
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
        "holds marks of a merge conflict",
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


def text_kind(data: Buffer, spot: JsonPath) -> UnreadableError | None:  # noqa: PLR0911 -- by kind
    """Return the error for text that is not, or not only, a JSON object; None for unknown text."""
    head = bytes(data[:_HEAD]).lstrip()
    plain = _COLOURS.sub(b"", head).lstrip()
    start = _DOCUMENT.search(memoryview(data))
    if start is not None and (found := _around(data, start.start(), spot)):
        return found
    if _COMMENT_OR_BLOCK.match(head) and _BLOCK.search(head) and not _PRINTED.search(head):
        return spot.unreadable("looks like Terraform configuration", _DIRECTORY)
    if _PRINTED.search(head):
        return spot.unreadable("is what Terraform prints for people, not a plan or a state", PLAN)
    for pattern, says, remedy in _TEXTS:
        if pattern.match(plain):
            return spot.unreadable(says, remedy)
    if start is None and (failed := _failed(plain)):
        return spot.unreadable(
            f"holds no JSON: {failed}", "correct that, and write the document again"
        )
    if start is None:
        between = next((wrapper for wrapper in _WRAPPERS if wrapper.marks.search(plain)), None)
        if between is not None:
            return spot.unreadable(
                f"has text between its lines, or instead of them, from {between.says}",
                between.remedy,
            )
        if _has_prefix(plain):
            return spot.unreadable(
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


def _around(data: Buffer, start: int, spot: JsonPath) -> UnreadableError | None:  # noqa: PLR0911 -- a line a kind
    """Return the error for a document that has text before or after it."""
    size = len(memoryview(data))
    before = bytes(data[max(0, start - _HEAD) : start])
    end = _end(data, start)
    after = b"" if end is None else bytes(data[end : end + _HEAD])
    shown = (
        _COLOURS.sub(b"", before).strip(b"\xef\xbb\xbf \t\r\n\0"),
        _COLOURS.sub(b"", after).strip(),
    )
    if not before.strip() and not after.strip():
        return None
    quoted = {shown[0][-1:], shown[1][:1]} & {b"'", b'"', b"`"}
    if quoted and len(shown[0]) <= 1 and len(shown[1]) <= 1:
        return spot.unreadable(
            "is JSON in quotation marks, as a shell or a variable leaves them",
            "write it again without them: redirect with `>` alone",
        )
    where = " and ".join(filter(None, (_before(before, start), _after(after, end, size))))
    if shown == (b"", b""):
        return spot.unreadable(
            f"has {where}: codes of colours", "turn colours off: `-no-color`, or NO_COLOR=1"
        )
    if shown[1][:1] == b"{" and not shown[0]:
        return spot.unreadable(
            f"has {where}: a second JSON document",
            "two commands wrote into one file, or one with `>>`: write each into a file of its "
            "own, and pass both",
        )
    if shown[0].endswith(b"[") and len(shown[0]) == 1:
        return None
    text = _COLOURS.sub(b"", before) + b"\n" + _COLOURS.sub(b"", after)
    for wrapper in _WRAPPERS:
        if wrapper.marks.search(text):
            return spot.unreadable(f"has {where}, from {wrapper.says}", wrapper.remedy)
    return spot.unreadable(f"has {where}, which whatever wrote the file put there", _ALONE)


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


Top = Mapping[str, Raw]

_HEAD = 64 * 1024
_DIRECTORY = "pass the directory that it lies in"
_PLAN_LOG = f"plan with -out=PLANFILE and {PLAN}"
_POINTER = "pass the directory itself, or what `terraform state pull` prints there"
_LOG_LINE = frozenset({"@level", "@message", "@module", "@timestamp"})

_BLOCKS = frozenset(
    {
        "//",
        "resource",
        "data",
        "module",
        "variable",
        "output",
        "provider",
        "terraform",
        "locals",
        "moved",
        "import",
    }
    | {"removed", "check"}
)
_NOT_A_PLAN = "not a plan or a state"


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of document: the properties of all its documents, its name and the remedy."""

    needs: frozenset[str]
    says: str
    remedy: str


def _kind(needs: str, says: str, remedy: str = PLAN) -> Kind:
    return Kind(needs=frozenset(needs.split()), says=says, remedy=remedy)


# Each kind has properties that no plan and no state has. The first match wins. Source: the `-json`
# formats of the Terraform and OpenTofu commands, and the documented formats of the other tools.
_KINDS = (
    _kind(
        "encryption_version",
        "is encrypted by OpenTofu",
        "pass what `tofu state pull` or `tofu show -json` prints, which decrypt it",
    ),
    _kind("sops", "is encrypted by SOPS", "decrypt it first: `sops decrypt FILE | tfcert check -`"),
    _kind(
        "plan_format_version",
        "is a plan that HCP Terraform redacted (`json-output-redacted`): it holds no values and "
        "no state",
        "download the whole plan (`json-output` of the plan, which needs admin access to the "
        "workspace), or pass the state",
    ),
    _kind(
        "state_store",
        "only names the state store that the directory uses; it holds no resources",
        _POINTER,
    ),
    _kind(
        "backend",
        "only remembers which backend the directory uses; it holds no resources",
        _POINTER,
    ),
    _kind(
        "remote version",
        "only remembers where the state of the directory is; it holds no resources",
        _POINTER,
    ),
    _kind(
        "provider_schemas", "holds the schemas of providers (`terraform providers schema -json`)"
    ),
    _kind(
        "function_signatures", "holds Terraform's functions (`terraform metadata functions -json`)"
    ),
    _kind("diagnostics valid", "holds the answer of `terraform validate -json`"),
    _kind("diagnostics", "holds the answer of `terraform validate -json`"),
    _kind("root_module", "holds a configuration alone (`tofu show -json -config`)"),
    _kind("@level", "is one line of the log of `terraform plan -json`, not a plan", _PLAN_LOG),
    _kind("terraform_version provider_selections", "holds the answer of `terraform version -json`"),
    _kind("terraform_outdated", "holds the answer of `terraform version -json`"),
    _kind("test_abstract", "is the log of `terraform test -json`"),
    _kind(
        "Modules",
        "is Terraform's list of installed modules (`.terraform/modules/modules.json`)",
        _POINTER,
    ),
    _kind(
        "schema verdict",
        "is a report of tfcert itself (--format json)",
        "pass the plan or the state that it was made from",
    ),
    _kind("$schema runs", "is a report in SARIF", "pass the plan or the state that was checked"),
    _kind("runs version", "is a report in SARIF", "pass the plan or the state that was checked"),
    _kind("check_type results", "is a report of Checkov", "pass the plan that was checked"),
    _kind("issues errors", "is a report of TFLint", "pass the plan of that configuration"),
    _kind(
        "results errors paths",
        "is a report of a scanner, not a plan",
        "pass the plan that was checked",
    ),
    _kind("SchemaVersion Results", "is a report of Trivy", "pass the plan that was checked"),
    _kind(
        "projects totalMonthlyCost",
        "is a report of Infracost",
        "pass the plan that it was made from",
    ),
    _kind("mock", "is a mock of Sentinel, not a plan"),
    _kind(
        "AWSTemplateFormatVersion",
        f"is a template of CloudFormation, {_NOT_A_PLAN}",
        "`tfcert scan` reads the account itself",
    ),
    _kind(
        "Resources",
        f"is a template of CloudFormation, {_NOT_A_PLAN}",
        "`tfcert scan` reads the account itself",
    ),
    _kind("StackId", "is an answer of CloudFormation", "`tfcert scan` reads the account itself"),
    _kind("contentVersion", "is a template of Azure Resource Manager, not Terraform's"),
    _kind(
        "deployment manifest",
        "is a state of Pulumi, not of Terraform",
        "`tfcert scan` reads the account itself",
    ),
    _kind(
        "deployment version",
        "is a state of Pulumi, not of Terraform",
        "`tfcert scan` reads the account itself",
    ),
    _kind(
        "steps changeSummary",
        "is a preview of Pulumi, not a plan of Terraform",
        "`tfcert scan` reads the account itself",
    ),
    _kind("apiVersion kind", "is a manifest of Kubernetes, not a plan or a state"),
    _kind("openapi", "is an OpenAPI definition, not a plan or a state"),
    _kind("swagger", "is an OpenAPI definition, not a plan or a state"),
    _kind("lockfileVersion", "is a lock file of npm, not a plan or a state"),
    _kind("dependencies name version", "is a package.json of npm, not a plan or a state"),
    _kind("name scripts", "is a package.json of npm, not a plan or a state"),
    _kind("Version Statement", "is a policy of IAM, not a plan or a state"),
    _kind(
        "app language",
        "is the configuration of CDK (`cdk.json`)",
        "synthesize it, plan, and pass the plan",
    ),
    _kind("version artifacts", "is a manifest of CDK", "synthesize it, plan, and pass the plan"),
    _kind(
        "stacks version",
        "is a manifest of CDK for Terraform",
        "pass the directory of one stack, below cdktf.out/stacks",
    ),
    _kind(
        "items position",
        "is an answer of the AWS CLI, not a plan or a state",
        "`tfcert scan` asks AWS itself",
    ),
    _kind(
        "clientCertificateId",
        "is an answer of the AWS CLI, not a plan or a state",
        "`tfcert scan` asks AWS itself",
    ),
    _kind(
        "item",
        "is an answer of the AWS CLI, not a plan or a state",
        "`tfcert scan` asks AWS itself",
    ),
    _kind("log entries", "is a HAR file of a browser, not a plan or a state"),
    _kind(
        "errors",
        "is an answer of a service that reports errors, for instance of HCP Terraform",
        "download the document again",
    ),
    _kind(
        "data",
        "is an answer of an API that describes a document, as of HCP Terraform",
        "download the document that it links to",
    ),
    _kind(
        "message documentation_url", "is an error of GitHub's API", "download the document again"
    ),
)


def recognise_other(data: Buffer, spot: JsonPath) -> UnreadableError | None:
    """Return the error for text of a known kind other than a JSON object; None for other text."""
    head = bytes(data[:_HEAD]).lstrip()
    if head.startswith(b"{") and (found := _first_line(head, spot)):
        return found
    if head.startswith(b'"'):
        found = _quoted(data, spot)
        if found is not None:
            return found
    if head.startswith(b"["):
        found = _array(data, spot)
        if found is not None:
            return found
    return text_kind(data, spot)


def document_kind(top: Top, spot: JsonPath) -> UnreadableError | None:
    """Return the error for a JSON object of a known other kind; None for an unknown one.

    A plan and a state are not other kinds.
    """
    if top and top.keys() <= _BLOCKS and top.keys() - {"//", "output", "check", "import", "data"}:
        return spot.unreadable("looks like Terraform configuration in JSON", _DIRECTORY)
    wrapped = _wrapped(top, spot)
    if wrapped is not None:
        return wrapped
    for kind in _KINDS:
        if kind.needs <= top.keys():
            return spot.unreadable(kind.says, kind.remedy)
    if top and all(_is_output(held, spot) for held in top.values()):
        return spot.unreadable(
            "holds the outputs of a state (`terraform output -json`), not the state", PLAN
        )
    if top and top.keys() <= _BLOCKS:
        return spot.unreadable("looks like Terraform configuration in JSON", _DIRECTORY)
    return None


def _wrapped(top: Top, spot: JsonPath) -> UnreadableError | None:
    """Return the error for a document inside a property, as an object or as text."""
    for name, held in top.items():
        kind = _kind_of(held, spot)
        if kind is None or name in {"prior_state", "planned_values", "configuration"}:
            continue
        shown = name if name.isidentifier() and name.isascii() else "…"
        if {"time", "level", "msg"} <= top.keys() or {"@level"} <= top.keys():
            return spot.unreadable(
                f"is a line of a log in JSON whose `{shown}` holds the document, as Terragrunt "
                "writes it with --log-format=json",
                f"take the document out of it: `jq -r .{shown} FILE | tfcert check -`, or add "
                "`--tf-forward-stdout` to Terragrunt",
            )
        raw = " -r" if kind == "text" else ""
        return spot.unreadable(
            f"is JSON that holds the document as its property `{shown}`",
            f"take it out: `jq{raw} .{shown} FILE | tfcert check -`",
        )
    return None


def _kind_of(held: Raw, spot: JsonPath) -> str | None:
    """Return whether a value is a plan or a state, as an object or as text; None for neither."""
    head = bytes(memoryview(held)[:_HEAD]).lstrip()
    if head.startswith(b"{") and (b'"format_version"' in head or b'"lineage"' in head):
        found = _names(held, spot)
        known = {
            "planned_values",
            "resource_changes",
            "configuration",
            "values",
            "lineage",
            "prior_state",
        }
        return "object" if found & {"format_version", "version"} and found & known else None
    return (
        "text"
        if head.startswith(b'"{') and (b'\\"format_version\\"' in head or b'\\"lineage\\"' in head)
        else None
    )


def _names(held: Raw, spot: JsonPath) -> frozenset[str]:
    try:
        return frozenset(decode(held, dict[str, Raw], spot))
    except UnreadableError:
        return frozenset()


def _is_output(held: Raw, spot: JsonPath) -> bool:
    return frozenset({"sensitive", "type", "value"}) == _names(held, spot)


def _first_line(head: bytes, spot: JsonPath) -> UnreadableError | None:
    """Return the error for JSON documents in separate lines, as in logs."""
    line, _, rest = head.partition(b"\n")
    if not rest.strip().startswith(b"{"):
        return None
    names = _names(Raw(line), spot)
    if names & _LOG_LINE:
        return spot.unreadable("is the log of `terraform plan -json`, not a plan", _PLAN_LOG)
    if {"time", "level", "msg"} <= names:
        return spot.unreadable(
            "is a log in JSON, as Terragrunt writes it with --log-format=json",
            "run `terragrunt show -json PLANFILE` with `--tf-forward-stdout`, without "
            "--log-format=json",
        )
    return None


def _quoted(data: Buffer, spot: JsonPath) -> UnreadableError | None:
    if bytes(data[:_HEAD]).lstrip()[1:].lstrip()[:1] not in {b"{", b"["}:
        return None
    try:
        decode(data, str, spot)
    except UnreadableError:
        return None
    return spot.unreadable(
        "is a document inside a JSON string, with its quotation marks escaped",
        "take it out: `jq -r . FILE | tfcert check -`",
    )


def _array(data: Buffer, spot: JsonPath) -> UnreadableError | None:
    try:
        held = decode(data, list[Raw], spot)
    except UnreadableError:
        return None
    names = [_names(one, spot) for one in held[:100]]
    documents = sum(_kind_of(one, spot) is not None for one in held)
    says: tuple[str, str] | None = None
    if any(found & _LOG_LINE for found in names):
        says = (
            "is an array of the lines of the log of `terraform plan -json`, not a plan",
            _PLAN_LOG,
        )
    elif documents == len(held) == 1:
        says = "is an array with a document in it", "take it out: `jq '.[0]' FILE | tfcert check -`"
    elif documents:
        says = (
            f"is an array of {len(held)} documents, as `jq -s` makes it",
            "pass each document as a file of its own",
        )
    elif any({"check_type", "results"} <= found for found in names):
        says = "is a report of Checkov", "pass the plan that was checked"
    elif any({"apiVersion", "kind"} <= found for found in names):
        says = "is a list of manifests of Kubernetes", PLAN
    return spot.unreadable(*says) if says is not None else None
