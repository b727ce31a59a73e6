"""Define the keys of tfcert.toml once."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from checker.model.policy import RULE_PAGES, WEEKDAYS, Applies, Grouping, WindowWaiver
from checker.model.severity import FailOn, Severity
from checker.model.text_values import CONTROLS
from checker.model.trust import READINGS
from checker.rules import RULES
from checker.rules.base import Rule

# More than any policy needs; each scope and pattern is tried on every stage.
MOST_CHARACTERS = 2048
MOST_ENTRIES = 1000
# For a policy with all files that it extends. Each scope, and each pattern with `*` or `?`, is
# tried on every stage and certificate.
MOST_SCOPES = 80
MOST_PATTERNS = 250
MOST_PATTERN_CHARACTERS = 8 * 1024


class WholeNumber(Struct, frozen=True, kw_only=True):
    """A whole number from `least` to `most`."""

    says: str
    least: int = 0
    most: int | None = None
    example: int = 30


class WholeNumbers(Struct, frozen=True, kw_only=True):
    """An array of whole numbers, each from `least` to `most`."""

    says: str
    least: int
    most: int
    example: int


class Choice(Struct, frozen=True, kw_only=True):
    """One of some words; `unless` explains why certain other words are invalid."""

    says: str
    words: tuple[str, ...]
    unless: Mapping[str, str]


class Text(Struct, frozen=True, kw_only=True):
    """A one-line text that is not blank and matches the whole pattern; `what` names such a text.

    A text that may be a `secret` by mistake is not repeated in errors.
    """

    says: str
    example: str
    pattern: str | None = None
    what: str = "a text"
    most: int = MOST_CHARACTERS
    secret: bool = False


class OneOrMore(Struct, frozen=True, kw_only=True):
    """A text, or several in an array."""

    says: str
    text: Text
    most: int = MOST_ENTRIES


class Day(Struct, frozen=True, kw_only=True):
    """A date without a time, as a TOML date or as a text."""

    says: str


class Table(Struct, frozen=True, kw_only=True):
    """Keys and the shapes of their values.

    `needed` keys are required, and at least one of each group in `any_of`.
    """

    says: str
    keys: Mapping[str, Shape]
    needed: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    one_of: tuple[str, ...] = ()


class Tables(Struct, frozen=True, kw_only=True):
    """An array of tables."""

    says: str
    table: Table
    most: int = MOST_ENTRIES


class NamedTable(Struct, frozen=True, kw_only=True):
    """A table whose keys are names that match a pattern."""

    says: str
    name: Text
    each: Table | OneOrMore | Text
    least: int = 0


Shape = WholeNumber | WholeNumbers | Choice | Text | OneOrMore | Day | Table | Tables | NamedTable


OFF = "off"
_MOST_DAYS = 3650
_WORDS = tuple(severity.word for severity in Severity)
_NONE: Mapping[str, str] = {}

# The limits of IAM and STS. Source: IAM API reference, CreateRole (RoleName, Path) and STS,
# AssumeRole (ExternalId).
ROLE_ARN = r"arn:[a-z][a-z-]*:iam::([0-9]{12}):role/(?:[!-~]{0,510}/)?[0-9A-Za-z_+=,.@-]{1,64}"
_ROLE = rf"{ROLE_ARN}|[0-9A-Za-z_+=,.@-]{{1,64}}"
_EXTERNAL_ID = r"[0-9A-Za-z_+=,.@:/-]{2,1224}"


def words_of(rule: Rule) -> tuple[str, ...]:
    """Return the valid words for a rule: severities, and `off` if it may be switched off."""
    if rule.mildest is None:
        return (*_WORDS, OFF)
    return tuple(severity.word for severity in Severity if severity <= rule.mildest)


def _weight(rule: Rule) -> Choice:
    words = words_of(rule)
    refused = {
        word: f"{rule.name} cannot be {word}, since {rule.mildest_because}"
        for word in (*_WORDS, OFF)
        if word not in words
    }
    return Choice(says=f"{rule.says} ({rule.weight_word}, by default)", words=words, unless=refused)


_EXEMPTABLE = tuple(rule.name for rule in RULES if rule.exemptable)
_UNEXEMPTABLE = {
    rule.name: f"{rule.name} cannot be exempted (see `tfcert rules {rule.name}`)"
    for rule in RULES
    if not rule.exemptable
}


def _days(says: str, example: int) -> WholeNumber:
    return WholeNumber(says=says, most=_MOST_DAYS, example=example)


def _patterns(says: str, example: str) -> OneOrMore:
    return OneOrMore(says=says, text=Text(says=says, example=example))


_ACCOUNT = Text(
    says="an account",
    example="123456789012",
    pattern=r"[0-9]{12}",
    what="an account, which has twelve digits in quotes",
)

VALUES: Mapping[str, Shape] = {
    "threshold_days": _days(
        "An expiring certificate is an error if it has this many days left or fewer.",
        30,
    ),
    "notice_days": _days(
        "An expiring certificate is a warning if it has this many days left or fewer; at least "
        "threshold_days.",
        60,
    ),
    "trust_window_days": _days(
        "The minimum number of days between introduce and repoint, for backends to trust the "
        "successor.",
        3,
    ),
    "trust_window_waiver": Choice(
        says="What makes the trust window not count: confirmed, if every backend is confirmed to "
        "trust the successor; or never.",
        words=tuple(word.value for word in WindowWaiver),
        unless=_NONE,
    ),
    "margin_days": _days(
        "The number of days between repoint-by and the predecessor's end.",
        7,
    ),
    "introduce_margin_days": _days(
        "The number of days added to the trust window between introduce-by and repoint-by.", 0
    ),
    "certificate_quota": WholeNumber(
        says="The quota of client certificates of an account in a region.",
        least=1,
        example=60,
    ),
    "fail_on": Choice(
        says="The lowest severity that makes exit code 1.",
        words=tuple(word.value for word in FailOn),
        unless=_NONE,
    ),
    "untouched": Choice(
        says="The highest severity of a finding about a certificate and stages that the plan "
        "does not change.",
        words=_WORDS,
        unless=_NONE,
    ),
    "rules": Table(
        says="The severity of each rule, or off.", keys={rule.name: _weight(rule) for rule in RULES}
    ),
}
# The conditions that may narrow an exemption; a scope accepts these and more.
_PLACES: Mapping[str, Shape] = {
    "account": OneOrMore(says="The account's number.", text=_ACCOUNT),
    "region": _patterns("Pattern of the region.", "eu-*"),
    "workspace": _patterns("Pattern of the Terraform workspace.", "prod"),
    "directory": _patterns(
        "Pattern of the configuration's folder, as seen from the policy file.", "live/**"
    ),
}
_CONDITIONS: Mapping[str, Shape] = {
    "address": _patterns(
        "Pattern of the address of the certificate or of a stage.", "module.legacy.*"
    ),
    **_PLACES,
    "tags": NamedTable(
        says="Patterns of tags of the certificate or of the stage.",
        name=Text(says="a tag", example="environment"),
        each=_patterns("Pattern of the tag's value.", "prod"),
        least=1,
    ),
    "stage": _patterns("Pattern of the stage's name.", "dev*"),
    "api": _patterns("Pattern of the API's name.", "orders"),
}
# Source: RFC 9110, 5.6.2: a header's name is a token. A value in the file could be a secret, so a
# policy names the variable that has it.
HEADER = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}"
VARIABLE = r"env:[A-Za-z_][0-9A-Za-z_]{0,127}"
METHOD = r"(?:GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) /[!-~]{0,1023}"
_PROBE = Table(
    says="How `tfcert probe` calls the backends of a stage; without a method it calls none.",
    keys={
        "method": OneOrMore(
            says="The methods of the API that may be called; other methods than GET, HEAD and "
            "OPTIONS need --unsafe.",
            text=Text(
                says="a method",
                example="GET /health",
                pattern=METHOD,
                what="a method and a path, such as GET /health",
            ),
            most=20,
        ),
        "refused_statuses": WholeNumbers(
            says="The HTTP statuses of a backend that refuses a certificate (400, 401, 403, 495 "
            "and 496, unless set).",
            least=400,
            most=599,
            example=403,
        ),
        "headers": NamedTable(
            says="HTTP headers of each call.",
            name=Text(
                says="a header",
                example="Authorization",
                pattern=HEADER,
                what="a header's name",
            ),
            each=Text(
                says="The environment variable that has the value: a policy has no secrets.",
                example="env:HEALTH_TOKEN",
                pattern=VARIABLE,
                what="env: and a variable's name",
                secret=True,
            ),
        ),
    },
    any_of=(("method", "refused_statuses", "headers"),),
)
# Names of users, teams and labels of a forge, which have no comma and no control character.
_NAME = rf"(?=.*\S)[^,{CONTROLS}]{{1,100}}"
_PROPOSE_IN_SCOPES: Mapping[str, Shape] = {
    "reviewers": OneOrMore(
        says="Who is asked to review a new request: users, and ORGANISATION/TEAM on GitHub.",
        text=Text(says="a user", example="octocat", pattern=_NAME, what="a name without commas"),
        most=15,
    ),
    "labels": OneOrMore(
        says="The labels of a new request.",
        text=Text(says="a label", example="tfcert", pattern=_NAME, what="a name without commas"),
        most=20,
    ),
    "group": Choice(
        says="Which rotations share a request, within one phase: those of a certificate, of a "
        "root module (the default), or all.",
        words=tuple(word.value for word in Grouping),
        unless=_NONE,
    ),
    "schedule": OneOrMore(
        says="The days of the week on which new requests are opened, in UTC; every day, unless "
        "set. Open requests are kept current every day.",
        text=Text(
            says="a day of the week",
            example="monday",
            pattern="|".join(WEEKDAYS),
            what="a day of the week, such as monday",
        ),
        most=7,
    ),
}
_PROPOSE = Table(
    says="How `tfcert propose` opens requests.",
    keys={
        **_PROPOSE_IN_SCOPES,
        "limit": WholeNumber(
            says="The most requests that a run opens.", least=1, most=1000, example=5
        ),
    },
    any_of=((*_PROPOSE_IN_SCOPES, "limit"),),
)
_SCOPE = Table(
    says="Values for some stages and certificates: all conditions must match, and of several "
    "scopes the last that matches wins.",
    keys={
        "name": Text(says="Its name in explanations.", example="production"),
        **_CONDITIONS,
        **VALUES,
        "probe": _PROBE,
        "propose": Table(
            says="How `tfcert propose` opens requests for them.",
            keys=_PROPOSE_IN_SCOPES,
            any_of=(tuple(_PROPOSE_IN_SCOPES),),
        ),
    },
    any_of=(tuple(_CONDITIONS), (*VALUES, "probe", "propose")),
)
_EXEMPTION = Table(
    says="A finding that does not count, for a reason and until a day.",
    keys={
        "rule": Choice(says="The rule.", words=_EXEMPTABLE, unless=_UNEXEMPTABLE),
        "address": Text(
            says="The address of a certificate or a stage, as reports show it; without instance "
            "keys it matches all instances.",
            example="aws_api_gateway_client_certificate.orders",
        ),
        "certificate_id": Text(says="The certificate's id, or its ARN in ACM.", example="a1b2c3"),
        "until": Day(says="The last day, in UTC, no later than the certificate's end."),
        "reason": Text(says="Why.", example="the backend moves in December"),
        "owner": Text(says="The person or team that is responsible for it.", example="team orders"),
        **_PLACES,
    },
    needed=("rule", "until", "reason"),
    one_of=("address", "certificate_id"),
)
_ACCESS = Table(
    says="How to get access to the account.",
    keys={
        "role": Text(
            says="A role's ARN, or its name in the account.",
            example="arn:aws:iam::123456789012:role/tfcert",
            pattern=_ROLE,
            what="a role's ARN or its name",
        ),
        "external_id": Text(
            says="The external id that the role's trust policy requires.",
            example="acme-1",
            pattern=_EXTERNAL_ID,
            what="an external id that STS takes (2 to 1224 letters, digits and +=,.@:/-_)",
        ),
    },
)
_BACKEND = Table(
    says="A backend that stages call: what it trusts, as evidence for a rotation.",
    keys={
        "stages": _patterns(
            "Patterns of the addresses of the stages that call it.", "aws_api_gateway_stage.prod"
        ),
        "bundle": Text(
            says="Its trust bundle in PEM form: a path, as seen from the policy file, or an "
            "s3:// or https:// URL. --trust-file names another one.",
            example="trust/orders.pem",
            pattern=rf"(?!(?:http|gs|az):)(?=.*\S)[^{CONTROLS}]+",
            what="a path, or an s3:// or https:// URL",
        ),
        "consumer": Text(
            says="Instead of a bundle: the address of the resource with its trust material, which "
            "--trust reads.",
            example="aws_ssm_parameter.ca",
        ),
        "server": Choice(
            says="The server that verifies the certificates (docs/trust.md); pinned is one that "
            "compares each certificate, as the files of `tfcert bundle --for` do.",
            words=tuple(READINGS),
            unless=_NONE,
        ),
    },
    needed=("stages",),
)
_TRUST = Table(
    says="What backends trust.",
    keys={
        "backends": NamedTable(
            says="The backends by their names.",
            name=Text(
                says="a backend",
                example="orders",
                pattern=r"[0-9A-Za-z_-]{1,64}",
                what="a backend's name of letters, digits, - and _",
            ),
            each=_BACKEND,
        )
    },
)
_COMMENT = Table(
    says="What reports of a pull request say.",
    keys={
        "applies": Choice(
            says="When a change is applied: on-apply, by a person or a job after the review; "
            "on-merge, by its merge. With on-merge, reports say merge and not apply.",
            words=tuple(word.value for word in Applies),
            unless=_NONE,
        ),
        "rule_pages": Text(
            says="The address of a folder with the rules' pages, which `tfcert rules --out` "
            "writes; reports in Markdown link each rule to its page there.",
            example="https://git.example.com/platform/docs/rules",
            pattern=RULE_PAGES,
            what="an https:// address without spaces, query and fragment",
        ),
    },
    any_of=(("applies", "rule_pages"),),
)
POLICY = Table(
    says="A policy of tfcert: the keys of tfcert.toml.",
    keys={
        "name": Text(says="Its name in reports.", example="acme"),
        "extends": Text(
            says="The policy with the values that this file does not set: a pack (default, "
            "strict), or another file, relative to this one.",
            example="strict",
        ),
        **VALUES,
        "scope": Tables(
            says="Values for some stages and certificates; the last that matches wins.",
            table=_SCOPE,
        ),
        "exemption": Tables(says="Findings that do not count until a day.", table=_EXEMPTION),
        "accounts": NamedTable(
            says="How to get access to each account, by its number.", name=_ACCOUNT, each=_ACCESS
        ),
        "trust": _TRUST,
        "probe": _PROBE,
        "propose": _PROPOSE,
        "comment": _COMMENT,
    },
)
