"""Resolve a policy, with origins, from its file, the files it extends, TFCERT_* and options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from checker.errors import UnreadableError, UsageError
from checker.files import open_file
from checker.model.exemptions import Exemption
from checker.model.location import Location
from checker.model.policy import (
    AccountAccess,
    Applies,
    Policy,
    ProbeSettings,
    ProposeSettings,
    Scope,
    Setting,
    Untouched,
    Value,
    Weights,
)
from checker.model.severity import FailOn
from checker.model.text_values import Keys, Mismatch, nearest_word, suggest
from checker.model.trust import TrustBackend
from checker.policyfile.parse import (
    read_accounts,
    read_applies,
    read_backends,
    read_exemption,
    read_probe,
    read_propose,
    read_rule_pages,
    read_scope,
    read_settings,
    read_weights,
)
from checker.policyfile.schema import (
    MOST_PATTERN_CHARACTERS,
    MOST_PATTERNS,
    MOST_SCOPES,
    VALUES,
    WholeNumber,
)
from checker.policyfile.toml_file import TomlFile
from checker.policyfile.validate import validate
from checker.rules import RULES

# The lifetime of an API Gateway client certificate; nothing can be due before its creation.
_LIFE_DAYS = 365
_DEADLINES = ("margin_days", "trust_window_days", "introduce_margin_days")


class Layer(Struct, frozen=True, kw_only=True):
    """The settings of one policy file, and the parsed file with its line numbers."""

    toml_file: TomlFile
    settings: tuple[Setting, ...] = ()
    rules: Weights = ()
    scopes: tuple[Scope, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    accounts: tuple[AccountAccess, ...] = ()
    backends: tuple[TrustBackend, ...] = ()
    probe: ProbeSettings = ProbeSettings()
    propose: ProposeSettings = ProposeSettings()
    applies: Applies | None = None
    rule_pages: str | None = None

    def location(self, *at: str | int) -> Location:
        """Return the line of a key."""
        return self.toml_file.location(at)


def read_layer(toml_file: TomlFile) -> Layer:
    """Read one policy file alone; raises UsageError with file and line."""
    try:
        return Layer(
            toml_file=toml_file,
            settings=read_settings(toml_file.values),
            rules=read_weights(toml_file.values),
            scopes=tuple(
                read_scope(toml_file, index)
                for index in range(len(toml_file.values.get("scope", ())))
            ),
            exemptions=tuple(
                read_exemption(toml_file, index)
                for index in range(len(toml_file.values.get("exemption", ())))
            ),
            accounts=read_accounts(toml_file.values.get("accounts", {})),
            backends=read_backends(toml_file),
            probe=read_probe(toml_file.values),
            propose=read_propose(toml_file.values),
            applies=read_applies(toml_file.values),
            rule_pages=read_rule_pages(toml_file.values),
        )
    except Mismatch as error:
        toml_file.refuse(error)


def merge_layers(layers: Iterable[Layer], name: str) -> Policy:
    """Merge layers into a policy; each layer takes precedence over those before it.

    Raises UsageError for values that contradict each other.
    """
    policy = Policy(name=name)
    for layer in layers:
        rules = dict(policy.rules) | dict(layer.rules)
        accounts = {access.account: access for access in (*policy.accounts, *layer.accounts)}
        backends = {each.name: each for each in (*policy.backends, *layer.backends)}
        own = len(policy.scopes)
        settings = dict(layer.settings)
        if "notice_days" not in settings:
            # As with --threshold: a notice that is not written next to it follows.
            settings["notice_days"] = max(
                policy.notice_days, layer.toml_file.values.get("threshold_days", 0)
            )
        policy = replace(
            policy,
            **settings,
            rules=tuple(sorted(rules.items())),
            scopes=(*policy.scopes, *layer.scopes),
            exemptions=(*policy.exemptions, *layer.exemptions),
            accounts=tuple(accounts[account] for account in sorted(accounts)),
            backends=tuple(backends[name] for name in sorted(backends)),
            probe=policy.probe.under(layer.probe),
            propose=policy.propose.under(layer.propose),
            applies=layer.applies or policy.applies,
            rule_pages=layer.rule_pages or policy.rule_pages,
        )
        try:
            _bound(policy.scopes)
            _check(policy, layer, ())
            for index in range(len(layer.scopes)):
                _check(policy.under((own + index,)), layer, ("scope", index))
        except Mismatch as error:
            layer.toml_file.refuse(error)
    own_weights = {rule.name: rule.weight for rule in RULES}
    return replace(
        policy,
        rules=tuple((rule, weight) for rule, weight in policy.rules if own_weights[rule] != weight),
    )


def _bound(scopes: tuple[Scope, ...]) -> None:
    """Raise Mismatch if there are more scopes and patterns than can be tried on every stage.

    The error is at the scopes of the last layer.
    """
    wild = [pattern for scope in scopes for pattern in scope.conditions.wild()]
    for found, most, of in (
        (len(scopes), MOST_SCOPES, "scopes"),
        (len(wild), MOST_PATTERNS, "patterns with * or ?"),
        (sum(map(len, wild)), MOST_PATTERN_CHARACTERS, "characters in patterns with * or ?"),
    ):
        if found > most:
            raise Mismatch(
                ("scope",),
                f"the policy has {found} {of}, and {most} are the most",
                "join some of the scopes",
            )


def _check(policy: Policy, layer: Layer, at: Keys) -> None:
    """Raise Mismatch for values that contradict each other, at the value that this layer sets."""
    table = layer.toml_file.values
    for key in at:
        table = table[key]  # type: ignore[index]  # the path of a table in this file
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
            f"introduce-by{of} would be {before} days before the certificate's end, and it lives "
            f"{_LIFE_DAYS}",
            f"lower {', '.join(_DEADLINES)}",
        )


PACKS = ("default", "strict")
# A thousand accounts with a line each are 80 KiB. The limit applies to a file, and to a file
# together with all files that it extends.
_LARGEST = 128 * 1024
_LONGEST_CHAIN = 10


def read_file(path: str) -> bytes:
    """Read a policy file; raises UnreadableError.

    It must be a regular file of at most 128 KiB, opened by the opener of the sources.
    """
    return bytes(open_file(path, most=_LARGEST, instead="name a policy file, or a pack"))


def read_chain(
    path: str, data: bytes, read: Callable[[str], bytes] = read_file
) -> tuple[Layer, ...]:
    """Return the layers of a file; the files that it extends come first.

    `read` returns the extended files. Raises UsageError for a file that extends itself, naming the
    chain, and for more files than any policy needs. Raises UnreadableError for a file that cannot
    be read.
    """
    toml_file = TomlFile(path, data)
    layers = [read_layer(toml_file)]
    chain = [path]
    seen = {_real(path)}
    size = len(data)
    while (named := toml_file.values.get("extends")) is not None:
        where = toml_file.location(("extends",))
        if named in PACKS:
            path, real = named, f"pack {named}"
        else:
            path = str(Path(path).parent / named)
            real = _real(path)
        chain.append(path)
        if len(chain) > _LONGEST_CHAIN:
            raise UsageError(
                f"extends more than {_LONGEST_CHAIN - 1} files",
                where=str(where),
                remedy="join some of them",
            )
        if real in seen:
            raise UsageError(
                f"extends itself: {' -> '.join(chain)}",
                where=str(where),
                remedy="take one `extends` of the chain away",
            )
        seen.add(real)
        name, data = _read(toml_file, named, path, read)
        size += len(data)
        if size > _LARGEST:
            raise UsageError(
                f"is larger than {_LARGEST // 1024} KiB together with what it extends",
                where=str(where),
                remedy="shorten the files",
            )
        toml_file = TomlFile(name, data)
        layers.append(read_layer(toml_file))
    return tuple(reversed(layers))


def read_pack(name: str) -> tuple[str, bytes]:
    """Return a pack that comes with tfcert, and its name in messages."""
    here = Path(__file__).resolve()
    # Installed packs are in the package; in a checkout they are next to it.
    folders = (here.parents[1] / "packs", here.parents[2] / "policies")
    found = next(
        folder / f"{name}.toml" for folder in folders if (folder / f"{name}.toml").is_file()
    )
    return f"pack {name}", found.read_bytes()


def _read(
    toml_file: TomlFile, named: str, path: str, read: Callable[[str], bytes]
) -> tuple[str, bytes]:
    if named in PACKS:
        return read_pack(named)
    try:
        return path, read(path)
    except UnreadableError as error:
        if "/" not in named and not named.endswith(".toml"):
            toml_file.refuse(
                Mismatch(
                    ("extends",),
                    f"there is no pack {named!r}, and no such file",
                    f"packs: {', '.join(PACKS)}",
                )
            )
        raise UnreadableError(
            f"{path}: {error.message}",
            where=str(toml_file.location(("extends",))),
            remedy="the path is relative to this file",
        ) from error


def _real(path: str) -> str:
    return os.path.realpath(path)  # Path.resolve raises for links in a circle


def read_policy(path: str, data: bytes, *, name: str = "tfcert.toml") -> Policy:
    """Read a policy with the files it extends; all other values are from the pack `default`.

    `name` is its name in reports if the file has none. Raises UsageError with the file, the line
    and the nearest valid key.
    """
    layers = read_chain(path, data)
    return merge_layers(layers, layers[-1].toml_file.values.get("name", name))


_PREFIX = "TFCERT_"
# By the field that each sets; other variables are read elsewhere.
VARIABLES: Mapping[str, str] = {
    "TFCERT_THRESHOLD": "threshold_days",
    "TFCERT_NOTICE": "notice_days",
    "TFCERT_TRUST_WINDOW": "trust_window_days",
    "TFCERT_MARGIN": "margin_days",
    "TFCERT_INTRODUCE_MARGIN": "introduce_margin_days",
    "TFCERT_CERTIFICATE_QUOTA": "certificate_quota",
    "TFCERT_FAIL_ON": "fail_on",
    "TFCERT_UNTOUCHED": "untouched",
}
POLICY_VARIABLE = "TFCERT_POLICY"
_OTHERS = (POLICY_VARIABLE, "TFCERT_TOOL")
# Above names that a pipeline may have for itself (TFCERT_ROLE), below a misspelt letter or an extra
# word (TFCERT_NOTICE_DAYS).
_NEAR = 0.7


class Unknown(Struct, frozen=True, kw_only=True):
    """A variable with our prefix that tfcert does not know."""

    name: str


def read_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Setting] | Unknown]:
    """Yield the settings from variables, each with the variable's name; an empty one sets nothing.

    Raises UsageError for a value that the policy does not accept, and for a name that is most
    probably a misspelt variable of tfcert: the user would believe that it has an effect.
    """
    for name in sorted(environment):
        if not name.startswith(_PREFIX) or name in _OTHERS:
            continue
        if name not in VARIABLES:
            known = [other.removeprefix(_PREFIX) for other in (*VARIABLES, *_OTHERS)]
            near = nearest_word(name.removeprefix(_PREFIX), known, cutoff=_NEAR)
            if near is not None:
                raise UsageError("is not known", where=name, remedy=suggest(f"{_PREFIX}{near}"))
            yield Unknown(name=name)
        elif environment[name]:
            yield name, (VARIABLES[name], _read_variable(name, environment[name]))


def _read_variable(name: str, text: str) -> Value:
    field = VARIABLES[name]
    shape = VALUES[field]
    found: int | str = (
        int(text)
        if isinstance(shape, WholeNumber) and text.isascii() and text.isdigit() and len(text) < 6
        else text
    )
    try:
        validate(found, shape, (field,))
    except Mismatch as error:
        raise UsageError(
            error.message,
            where=name,
            remedy=error.remedy.replace(f"{field} =", f"{name}=").replace("= ", "="),
        ) from error
    match field:
        case "fail_on":
            return FailOn(text)
        case "untouched":
            return Untouched(text)
        case _:
            return int(text)
