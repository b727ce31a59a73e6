"""Policies laid one over the other: what a file extends, the file, the environment, the command line."""

from __future__ import annotations

from collections.abc import Iterable

from checker.domain.exemption import Exemption
from checker.domain.location import Location
from checker.domain.policy import AccountAccess, Policy, Scope, Setting, Weights
from checker.domain.text_values import Keys, Mismatch
from checker.domain.value import replace, value
from checker.readers.policy_accounts import read_accounts
from checker.readers.policy_exemptions import read_exemption
from checker.readers.policy_scopes import read_scope, read_settings, read_weights
from checker.readers.shapes import MOST_PATTERN_CHARACTERS, MOST_PATTERNS, MOST_SCOPES
from checker.readers.sheet import Sheet
from checker.rules import RULES

# A client certificate of API Gateway lives so long; nothing can be due before it is made.
_LIFE_DAYS = 365
_DEADLINES = ("margin_days", "trust_window_days", "introduce_margin_days")


@value
class Layer:
    """What one file says, with the sheet that tells the lines."""

    sheet: Sheet
    settings: tuple[Setting, ...] = ()
    rules: Weights = ()
    scopes: tuple[Scope, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    accounts: tuple[AccountAccess, ...] = ()

    def location(self, *at: str | int) -> Location:
        """The line of a key."""
        return self.sheet.location(at)


def read_layer(sheet: Sheet) -> Layer:
    """Read what a sheet says by itself; raises UsageError naming file and line."""
    try:
        return Layer(
            sheet=sheet,
            settings=read_settings(sheet.values),
            rules=read_weights(sheet.values),
            scopes=tuple(read_scope(sheet, index) for index in range(len(sheet.values.get("scope", ())))),
            exemptions=tuple(read_exemption(sheet, index) for index in range(len(sheet.values.get("exemption", ())))),
            accounts=read_accounts(sheet.values.get("accounts", {})),
        )
    except Mismatch as error:
        sheet.refuse(error)


def laid(layers: Iterable[Layer], name: str) -> Policy:
    """The policy that the layers make, each over those before it; raises UsageError for values that contradict each other."""
    policy = Policy(name=name)
    for layer in layers:
        rules = dict(policy.rules) | dict(layer.rules)
        accounts = {access.account: access for access in (*policy.accounts, *layer.accounts)}
        own = len(policy.scopes)
        settings = dict(layer.settings)
        if "notice_days" not in settings:
            # As with --threshold: a notice that nobody wrote beside it follows.
            settings["notice_days"] = max(policy.notice_days, layer.sheet.values.get("threshold_days", 0))
        policy = replace(
            policy,
            **settings,
            rules=tuple(sorted(rules.items())),
            scopes=(*policy.scopes, *layer.scopes),
            exemptions=(*policy.exemptions, *layer.exemptions),
            accounts=tuple(accounts[account] for account in sorted(accounts)),
        )
        try:
            _bound(policy.scopes)
            _check(policy, layer, ())
            for index in range(len(layer.scopes)):
                _check(policy.under((own + index,)), layer, ("scope", index))
        except Mismatch as error:
            layer.sheet.refuse(error)
    own_weights = {rule.name: rule.weight for rule in RULES}
    return replace(policy, rules=tuple((rule, weight) for rule, weight in policy.rules if own_weights[rule] != weight))


def _bound(scopes: tuple[Scope, ...]) -> None:
    """Refuse more scopes and patterns than can be tried on every stage; raises Mismatch at the scopes of the last layer."""
    wild = [pattern for scope in scopes for pattern in scope.conditions.wild()]
    for found, most, of in (
        (len(scopes), MOST_SCOPES, "scopes"),
        (len(wild), MOST_PATTERNS, "patterns with * or ?"),
        (sum(map(len, wild)), MOST_PATTERN_CHARACTERS, "characters in patterns with * or ?"),
    ):
        if found > most:
            raise Mismatch(("scope",), f"the policy has {found} {of}, and {most} are the most", "join some of the scopes")


def _check(policy: Policy, layer: Layer, at: Keys) -> None:
    """Refuse values that contradict each other, at the one that this layer sets."""
    table = layer.sheet.values
    for key in at:
        table = table[key]  # type: ignore[index]  # the path of a table in this sheet
    of = f" of scope {at[-1] + 1}" if at and isinstance(at[-1], int) else ""
    notice, threshold = table.get("notice_days"), table.get("threshold_days", policy.threshold_days)
    if notice is not None and notice < threshold:
        raise Mismatch(
            (*at, "notice_days"),
            f"notice_days{of} is {notice}, below threshold_days, {threshold}",
            "a warning comes before an error: make the notice the larger of the two",
        )
    before = sum(getattr(policy, name) for name in _DEADLINES)
    if before >= _LIFE_DAYS:
        key = next((name for name in _DEADLINES if name in table), "margin_days")
        raise Mismatch(
            (*at, key),
            f"introduce-by{of} would be {before} days before the certificate's end, and it lives {_LIFE_DAYS}",
            f"lower {', '.join(_DEADLINES)}",
        )
