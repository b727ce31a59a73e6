"""Recognise text that is not JSON or that surrounds JSON: its kind, its source and the remedy.

Messages quote only Terraform's own error messages, because the other text may contain secrets.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw, Struct

from checker.errors import UnreadableError
from checker.terraform.decode import PLAN, Buffer, JsonPath, decode
from checker.terraform.wrapped_output import DIRECTORY, HEAD, text_kind

Top = Mapping[str, Raw]

_PLAN_LOG = f"plan with -out=PLANFILE and {PLAN}"
_POINTER = "pass the directory itself, or what `terraform state pull` prints there"
_QUERY = (
    "is the log of `terraform query -json`, not a plan or a state",
    "pass the state or a plan; `tfcert scan` lists what the account has",
)
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
    | {"removed", "check", "ephemeral", "action"}
)
_NOT_A_PLAN = "not a plan or a state"


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of document: the properties of all its documents, its name and the remedy."""

    needs: frozenset[str]
    message: str
    remedy: str


def _kind(needs: str, message: str, remedy: str = PLAN) -> Kind:
    return Kind(needs=frozenset(needs.split()), message=message, remedy=remedy)


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
        "is a plan that HCP Terraform redacted (`json-output-redacted`): it has no values and "
        "no state",
        "download the whole plan (`json-output` of the plan, which needs admin access to the "
        "workspace), or pass the state",
    ),
    _kind(
        "state_store",
        "only names the state store that the directory uses; it has no resources",
        _POINTER,
    ),
    _kind(
        "backend",
        "only remembers which backend the directory uses; it has no resources",
        _POINTER,
    ),
    _kind(
        "remote version",
        "only remembers where the state of the directory is; it has no resources",
        _POINTER,
    ),
    _kind("provider_schemas", "has the schemas of providers (`terraform providers schema -json`)"),
    _kind(
        "function_signatures", "has Terraform's functions (`terraform metadata functions -json`)"
    ),
    _kind("diagnostics valid", "has the answer of `terraform validate -json`"),
    _kind("diagnostics", "has the answer of `terraform validate -json`"),
    _kind("root_module", "has only a configuration (`tofu show -json -config`)"),
    _kind("@level list_start", *_QUERY),
    _kind("@level list_resource_found", *_QUERY),
    _kind("@level list_complete", *_QUERY),
    _kind("@level", "is one line of the log of `terraform plan -json`, not a plan", _PLAN_LOG),
    _kind("terraform_version provider_selections", "has the answer of `terraform version -json`"),
    _kind("terraform_outdated", "has the answer of `terraform version -json`"),
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


def recognise_other(data: Buffer, json_path: JsonPath) -> UnreadableError | None:
    """Return the error for text of a known kind other than a JSON object; None for other text."""
    head = bytes(data[:HEAD]).lstrip()
    if head.startswith(b"{") and (found := _first_line(head, json_path)):
        return found
    if head.startswith(b'"'):
        found = _quoted(data, json_path)
        if found is not None:
            return found
    if head.startswith(b"["):
        found = _array(data, json_path)
        if found is not None:
            return found
    return text_kind(data, json_path)


def document_kind(top: Top, json_path: JsonPath) -> UnreadableError | None:
    """Return the error for a JSON object of a known other kind; None for an unknown one.

    A plan and a state are not other kinds.
    """
    if (
        top
        and top.keys() <= _BLOCKS
        and top.keys() - {"//", "output", "check", "import", "data", "action"}
    ):
        return json_path.unreadable("looks like Terraform configuration in JSON", DIRECTORY)
    wrapped = _wrapped(top, json_path)
    if wrapped is not None:
        return wrapped
    for kind in _KINDS:
        if kind.needs <= top.keys():
            return json_path.unreadable(kind.message, kind.remedy)
    if top and all(_is_output(raw_value, json_path) for raw_value in top.values()):
        return json_path.unreadable(
            "has the outputs of a state (`terraform output -json`), not the state", PLAN
        )
    if top and top.keys() <= _BLOCKS:
        return json_path.unreadable("looks like Terraform configuration in JSON", DIRECTORY)
    return None


def _wrapped(top: Top, json_path: JsonPath) -> UnreadableError | None:
    """Return the error for a document inside a property, as an object or as text."""
    for name, raw_value in top.items():
        kind = _kind_of(raw_value, json_path)
        if kind is None or name in {"prior_state", "planned_values", "configuration"}:
            continue
        shown = name if name.isidentifier() and name.isascii() else "…"
        if {"time", "level", "msg"} <= top.keys() or {"@level"} <= top.keys():
            return json_path.unreadable(
                f"is a line of a log in JSON whose `{shown}` contains the document, as Terragrunt "
                "writes it with --log-format=json",
                f"take the document out of it: `jq -r .{shown} FILE | tfcert check -`, or add "
                "`--tf-forward-stdout` to Terragrunt",
            )
        raw = " -r" if kind == "text" else ""
        return json_path.unreadable(
            f"is JSON that contains the document as its property `{shown}`",
            f"take it out: `jq{raw} .{shown} FILE | tfcert check -`",
        )
    return None


def _kind_of(raw_value: Raw, json_path: JsonPath) -> str | None:
    """Return whether a value is a plan or a state, as an object or as text; None for neither."""
    head = bytes(memoryview(raw_value)[:HEAD]).lstrip()
    if head.startswith(b"{") and (b'"format_version"' in head or b'"lineage"' in head):
        found = _names(raw_value, json_path)
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


def _names(raw_value: Raw, json_path: JsonPath) -> frozenset[str]:
    try:
        return frozenset(decode(raw_value, dict[str, Raw], json_path))
    except UnreadableError:
        return frozenset()


def _is_output(raw_value: Raw, json_path: JsonPath) -> bool:
    return frozenset({"sensitive", "type", "value"}) == _names(raw_value, json_path)


def _first_line(head: bytes, json_path: JsonPath) -> UnreadableError | None:
    """Return the error for JSON documents in separate lines, as in logs."""
    line, _, rest = head.partition(b"\n")
    if not rest.strip().startswith(b"{"):
        return None
    names = _names(Raw(line), json_path)
    if names & _LOG_LINE and b'"list_start"' in head:
        return json_path.unreadable(*_QUERY)
    if names & _LOG_LINE:
        return json_path.unreadable("is the log of `terraform plan -json`, not a plan", _PLAN_LOG)
    if {"time", "level", "msg"} <= names:
        return json_path.unreadable(
            "is a log in JSON, as Terragrunt writes it with --log-format=json",
            "run `terragrunt show -json PLANFILE` with `--tf-forward-stdout`, without "
            "--log-format=json",
        )
    return None


def _quoted(data: Buffer, json_path: JsonPath) -> UnreadableError | None:
    if bytes(data[:HEAD]).lstrip()[1:].lstrip()[:1] not in {b"{", b"["}:
        return None
    try:
        decode(data, str, json_path)
    except UnreadableError:
        return None
    return json_path.unreadable(
        "is a document inside a JSON string, with its quotation marks escaped",
        "take it out: `jq -r . FILE | tfcert check -`",
    )


def _array(data: Buffer, json_path: JsonPath) -> UnreadableError | None:
    try:
        raw_value = decode(data, list[Raw], json_path)
    except UnreadableError:
        return None
    names = [_names(one, json_path) for one in raw_value[:100]]
    documents = sum(_kind_of(one, json_path) is not None for one in raw_value)
    message: tuple[str, str] | None = None
    if any(found & _LOG_LINE for found in names):
        message = (
            "is an array of the lines of the log of `terraform plan -json`, not a plan",
            _PLAN_LOG,
        )
    elif documents == len(raw_value) == 1:
        message = (
            "is an array with a document in it",
            "take it out: `jq '.[0]' FILE | tfcert check -`",
        )
    elif documents:
        message = (
            f"is an array of {len(raw_value)} documents, as `jq -s` makes it",
            "pass each document as a file of its own",
        )
    elif any({"check_type", "results"} <= found for found in names):
        message = "is a report of Checkov", "pass the plan that was checked"
    elif any({"apiVersion", "kind"} <= found for found in names):
        message = "is a list of manifests of Kubernetes", PLAN
    return json_path.unreadable(*message) if message is not None else None
