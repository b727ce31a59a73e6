"""Prove the edits of a file with two parsers, tree-sitter and python-hcl2.

All edits of one phase are proven together: the difference between the two readings of the whole
file must be exactly the sum of what the edits intend.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from checker.errors import UnprovenError, UnreadableError
from checker.hcl.readings import WHOLE, BlockKey, Leaves, Readers, Structure, block_counts
from checker.hcl.syntax import SourceFile

_Name = tuple[str, str]


# An argument directly in a block.
Argument = tuple[BlockKey, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedArgument:
    """An argument `name = value` that a block gets; the value is a reference."""

    block: BlockKey
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The intended changes of one rotation in one file.

    `added` and `removed` name whole blocks. `clone_of` names the block that an added one repeats,
    except its description; `source` is the text of that block if it is not in the file as it is,
    and `beside` the text of the whole file that declares it, if that is another one.
    In the blocks of `renamed`, so many references to `kind.old` become `kind.new`. `joins` is the
    number of additional places in each block (fewer, if negative) with both PEMs instead of one.
    `raised` is by how much each argument rises, a whole number. `triggers` is how many of the joins
    take the place of an id, in these arguments. `arguments` are added to blocks.
    """

    kind: str
    old: str
    new: str
    added: tuple[BlockKey, ...] = ()
    removed: tuple[BlockKey, ...] = ()
    clone_of: BlockKey | None = None
    source: bytes | None = None
    beside: bytes | None = None
    renamed: Mapping[BlockKey, int] = field(default_factory=dict)
    joins: Mapping[BlockKey, int] = field(default_factory=dict)
    raised: Mapping[Argument, int] = field(default_factory=dict)
    triggers: Mapping[Argument, int] = field(default_factory=dict)
    arguments: tuple[AddedArgument, ...] = ()

    @property
    def blocks(self) -> frozenset[BlockKey]:
        """Return the blocks that change."""
        arguments = (*self.raised, *self.triggers)
        added = (each.block for each in self.arguments)
        return frozenset((*self.renamed, *self.joins, *(key for key, _ in arguments), *added))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """The intent that `plain` texts become `reference` in `blocks`, exactly `times` times.

    A `plain` text is a quoted id or `var.name`. A negative number means the reverse.
    """

    plain: frozenset[str]
    reference: str
    times: int
    blocks: frozenset[BlockKey]


AnyIntent = Intent | Replacement


def prove(
    path: str,
    before: bytes,
    after: bytes,
    intents: Sequence[AnyIntent],
    readers: Readers = WHOLE,
) -> None:
    """Check the difference between two texts of a file against the intents.

    Raises UnprovenError with the file and the parser that disagrees; then nothing may be written.
    """
    counts: list[list[Counter[BlockKey]]] = []
    beside = {each.beside: None for each in intents if isinstance(each, Intent) and each.beside}
    for reader, read in readers.items():

        def structure(data: bytes, read: Callable[[SourceFile], Structure] = read) -> Structure:
            return _read(path, data, read)

        old, new = structure(before), structure(after)
        complaint = _Comparison(old, new, intents, structure).complaint()
        if complaint is not None:
            raise UnprovenError(
                f"the edit could not be proven: {complaint} (as {reader} reads it)",
                where=path,
                remedy="nothing was written; edit the file manually, as the runbook describes",
            )
        counts.append([block_counts(new), *(block_counts(structure(text)) for text in beside)])
    if any(each != counts[0] for each in counts):
        raise UnprovenError(
            "the edit could not be proven: the two parsers read different blocks",
            where=path,
            remedy="nothing was written; remove the blanks after the end marker of a heredoc",
        )


def _read(path: str, data: bytes, read: Callable[[SourceFile], Structure]) -> Structure:
    try:
        return read(SourceFile(path, data))
    except UnreadableError as error:
        raise UnprovenError(
            error.message, where=error.where, remedy="nothing was written"
        ) from error


class _Comparison:
    """The blocks that one parser reads before and after, without those that stay the same."""

    def __init__(
        self,
        old: Structure,
        new: Structure,
        intents: Sequence[AnyIntent],
        read: Callable[[bytes], Structure],
    ) -> None:
        self._read = read
        self._old = old
        self._lost, self._gained = _by_key(old - new), _by_key(new - old)
        self._intents = [each for each in intents if isinstance(each, Intent)]
        self._replacements = [each for each in intents if isinstance(each, Replacement)]
        self._removed = {key for each in self._intents for key in each.removed if key[1]}
        self._touching: dict[BlockKey, list[AnyIntent]] = {}
        for intent in intents:
            for key in intent.blocks:
                self._touching.setdefault(key, []).append(intent)

    def complaint(self) -> str | None:
        """Return the first difference that is not intended; None without one."""
        checks = (
            self._removals,
            self._additions,
            self._unintended,
            self._arguments,
            self._shapes,
            self._renames,
            self._replaced,
        )
        # Each check starts once the ones before it have accounted for their blocks.
        return next((found for check in checks for found in check()), None)

    def _removals(self) -> Iterator[str]:
        for intent in self._intents:
            for key in intent.removed:
                found = self._lost.get(key, [])
                entry = next(
                    (leaves for leaves in found if key[1] or _concerns(leaves, intent)), None
                )
                if entry is None:
                    yield f"{_print(key)} is still there"
                else:
                    found.remove(entry)

    def _additions(self) -> Iterator[str]:
        sources = _by_key(self._old) if any(each.clone_of for each in self._intents) else {}
        for intent in self._intents:
            for key in intent.added:
                found = self._gained.get(key, [])
                if not found:
                    yield f"{_print(key)} was not added"
                    continue
                entry = found.pop(0)
                if intent.clone_of is None or key[0] != "resource":
                    continue
                source = sources if intent.source is None else _by_key(self._read(intent.source))
                models = source.get(intent.clone_of, [])
                if not any(_undescribed(entry) == _undescribed(model) for model in models):
                    yield f"{_print(key)} is not a copy of {_print(intent.clone_of)}"

    def _unintended(self) -> Iterator[str]:
        changed = {key for key, entries in (*self._lost.items(), *self._gained.items()) if entries}
        unintended = changed - self._touching.keys()
        if unintended:
            yield f"{_print(min(unintended))} changed"

    def _arguments(self) -> Iterator[str]:
        """Check the numbers that rise and the arguments that are added, and account for them."""
        raised: Counter[Argument] = Counter()
        for intent in self._intents:
            raised.update(intent.raised)
        for (key, name), more in raised.items():
            old, new = self._leaf(self._lost, key, name), self._leaf(self._gained, key, name)
            if not (_is_number(old) and _is_number(new) and int(old or 0) + more == int(new or 0)):
                yield f"{name} of {_print(key)} did not rise by exactly {more}"
                continue
            self._gained[key] = [_with(leaves, name, old) for leaves in self._gained[key]]
        for each in (argument for intent in self._intents for argument in intent.arguments):
            old = self._leaf(self._lost, each.block, each.name)
            new = self._leaf(self._gained, each.block, each.name)
            if old is not None or new is None or _plain(new) != each.value:
                yield f"{each.name} was not added to {_print(each.block)} as it should be"
                continue
            own = self._gained[each.block]
            self._gained[each.block] = [_with(leaves, each.name, None) for leaves in own]

    def _leaf(
        self, entries: Mapping[BlockKey, list[Leaves]], key: BlockKey, name: str
    ) -> str | None:
        """Return the value of an argument directly in a block that changed; None without one."""
        found = [
            text for leaves in entries.get(key, []) for path, text in leaves if path == f"/{name}"
        ]
        return found[0] if len(found) == 1 and len(entries[key]) == 1 else None

    def _shapes(self) -> Iterator[str]:
        """Check that the blocks that changed are equal but for the intended names."""
        for key, touching in self._touching.items():
            if self._shape(self._lost, key, touching) != self._shape(self._gained, key, touching):
                only = [each for each in touching if isinstance(each, Replacement)]
                yield (
                    _not_replaced(only[0])
                    if len(only) == len(touching)
                    else "more than the certificate's name changed in a reference"
                )

    def _shape(
        self, entries: Mapping[BlockKey, list[Leaves]], key: BlockKey, touching: list[AnyIntent]
    ) -> Counter[Leaves]:
        names = Names(each for each in touching if isinstance(each, Intent))
        replaced = [each for each in touching if isinstance(each, Replacement)]
        triggers = _triggers(touching, key)

        def shape(path: str, text: str) -> str:
            text = names.as_one(text)
            if _is_in(path, triggers):
                text = names.ids_as_pems(text)
            for each in replaced:
                text = _normal(text, each.plain, each.reference)
            return text

        return Counter(
            tuple((path, shape(path, text)) for path, text in leaves)
            for leaves in entries.get(key, [])
        )

    def _renames(self) -> Iterator[str]:
        """Check how often each name and each join of both PEMs appears in each block."""
        for key, touching in self._touching.items():
            intents = [each for each in touching if isinstance(each, Intent)]
            if key not in self._removed and intents:
                yield from self._miscounted(key, intents)
                yield from self._kept_ids(key, intents)

    def _miscounted(self, key: BlockKey, intents: list[Intent]) -> Iterator[str]:
        names = Names(intents)
        mentions: Counter[_Name] = Counter()
        joins: Counter[_Name] = Counter()
        for sign, entries in ((1, self._gained), (-1, self._lost)):
            for text in (text for leaves in entries.get(key, []) for _, text in leaves):
                for name in names.mentions(text):
                    mentions[name] += sign
                for name in names.joins(text):
                    joins[name] += sign
        for intent in intents:
            renamed, joined = intent.renamed.get(key, 0), intent.joins.get(key, 0)
            mentions[intent.kind, intent.old] += renamed
            mentions[intent.kind, intent.new] -= renamed + joined
            joins[names.one(intent)] -= joined
        if any(mentions[each.kind, each.old] for each in intents):
            yield f"not exactly {_wanted(intents, mentions)} references were renamed"
        if any(joins.values()):
            wanted = sum(sum(intent.joins.values()) for intent in intents)
            yield f"not exactly {wanted} places hold both PEMs"
        if any(mentions.values()):
            yield f"not exactly {_wanted(intents, mentions)} references were renamed"

    def _kept_ids(self, key: BlockKey, intents: list[Intent]) -> Iterator[str]:
        """Check how many ids became PEMs in the triggers of a block."""
        names, triggers = Names(intents), _triggers(intents, key)
        left: Counter[_Name] = Counter()
        for intent in intents:
            own = (count for (block, _), count in intent.triggers.items() if block == key)
            left[names.one(intent)] += sum(own)
        for sign, entries in ((1, self._gained), (-1, self._lost)) if triggers else ():
            for path, text in (leaf for leaves in entries.get(key, []) for leaf in leaves):
                for name in names.ids(text) if _is_in(path, triggers) else ():
                    left[name] += sign
        if any(left.values()):
            yield "not exactly the intended ids became PEMs"

    def _replaced(self) -> Iterator[str]:
        for each in self._replacements:
            gained, lost = (
                sum(
                    _count(text, each.reference)
                    for key in each.blocks
                    for leaves in entries.get(key, [])
                    for _, text in leaves
                )
                for entries in (self._gained, self._lost)
            )
            if gained - lost != each.times:
                yield _not_replaced(each)


def _by_key(structure: Structure) -> dict[BlockKey, list[Leaves]]:
    found: dict[BlockKey, list[Leaves]] = {}
    for (key, leaves), count in structure.items():
        found.setdefault(key, []).extend([leaves] * count)
    return found


def _triggers(touching: Iterable[AnyIntent], key: BlockKey) -> frozenset[str]:
    """Return the arguments of a block in which ids become PEMs."""
    intents = (each for each in touching if isinstance(each, Intent))
    return frozenset(name for each in intents for block, name in each.triggers if block == key)


def _is_in(path: str, names: frozenset[str]) -> bool:
    """Return whether a leaf is in one of the arguments directly in a block."""
    return bool(names) and re.split(r"[/\[]", path.removeprefix("/"), maxsplit=1)[0] in names


def _is_number(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"[0-9]+", text) is not None


def _with(leaves: Leaves, name: str, text: str | None) -> Leaves:
    """Return the leaves of a block with another value of an argument; without it, if None."""
    changed = ((path, text if path == f"/{name}" else value) for path, value in leaves)
    return tuple((path, value) for path, value in changed if value is not None)


def _plain(text: str) -> str:
    """Return a reference without the signs that a parser puts around it."""
    return _tight(text).removeprefix("${").removesuffix("}")


def _wanted(intents: list[Intent], mentions: Counter[_Name]) -> int:
    """Return the renames of the first intent whose names are not mentioned as intended."""
    wrong = next(
        each for each in intents if mentions[each.kind, each.old] or mentions[each.kind, each.new]
    )
    return sum(wrong.renamed.values())


def _concerns(leaves: Leaves, intent: Intent) -> bool:
    """Return whether a block names the certificate, which tells blocks without labels apart."""
    names = Names([intent])
    return any((intent.kind, intent.old) in names.mentions(text) for _, text in leaves)


def _undescribed(leaves: Leaves) -> list[tuple[str, str]]:
    return [leaf for leaf in leaves if leaf[0] != "/description"]


def _print(key: BlockKey) -> str:
    return " ".join((key[0], *(f'"{label}"' for label in key[1])))


class Names:
    """The names of certificates that edits exchange, and how to find them in text."""

    def __init__(self, intents: Iterable[Intent]) -> None:
        self._one: dict[_Name, _Name] = {}
        for intent in intents:
            one = (intent.kind, min(intent.old, intent.new))
            self._one[intent.kind, intent.old] = self._one[intent.kind, intent.new] = one
        self._kinds = tuple(sorted({kind for kind, _ in self._one}, key=len, reverse=True))

    def one(self, intent: Intent) -> _Name:
        """Return the name that stands for both names of an intent."""
        return self._one[intent.kind, intent.old]

    def mentions(self, text: str) -> Iterator[_Name]:
        """Yield each mention of one of the names."""
        for found in _references(self._kinds).finditer(text) if self._kinds else ():
            if (found[1], found[2]) in self._one:
                yield found[1], found[2]

    def joins(self, text: str) -> Iterator[_Name]:
        """Yield the name of each join of both PEMs."""
        if "join" in text and self._kinds:
            for found in _joins(self._kinds).finditer(self._renamed(text)):
                if (found[2], found[3]) in self._one:
                    yield found[2], found[3]

    def ids(self, text: str) -> Iterator[_Name]:
        """Yield the name of each mention of an id, with one name for both certificates."""
        for found in _ids(self._kinds).finditer(self._renamed(text)) if self._kinds else ():
            if (found[2], found[3]) in self._one:
                yield found[2], found[3]

    def ids_as_pems(self, text: str) -> str:
        """Return a text of `as_one` with the PEM in place of each id."""
        return _ids(self._kinds).sub(
            lambda found: (
                f"{found[1]}pem_encoded_certificate"
                if (found[2], found[3]) in self._one
                else found[0]
            ),
            text,
        )

    def as_one(self, text: str) -> str:
        """Return a text with one name for both, and one PEM for a join of both."""
        if not self._kinds:
            return text
        text = self._renamed(text)
        if "join" not in text:
            return text
        return _joins(self._kinds).sub(
            lambda found: found[1] if (found[2], found[3]) in self._one else found[0], text
        )

    def _renamed(self, text: str) -> str:
        return _references(self._kinds).sub(
            lambda found: (
                ".".join(self._one[found[1], found[2]])
                if (found[1], found[2]) in self._one
                else found[0]
            ),
            text,
        )


@lru_cache(maxsize=8)
def _references(kinds: tuple[str, ...]) -> re.Pattern[str]:
    # After `module.x.` it is the same resource, as its module's caller names it; after `data.` it
    # is another one.
    any_kind = "|".join(map(re.escape, kinds))
    return re.compile(rf"(?<![\w-])(?<!data\.)(?<!data \. )({any_kind})\s*\.\s*([\w-]+)")


@lru_cache(maxsize=8)
def _joins(kinds: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of a join of both PEMs (`checker.patches.trust`).

    It matches once both certificates have the same name in the text.
    """
    any_kind = "|".join(map(re.escape, kinds))
    one = rf"(({any_kind})\.([\w-]+)[^(),]*?\.\s*pem_encoded_certificate)"
    return re.compile(
        rf'join\s*\(\s*"\s*\\n\s*"\s*,\s*\[\s*trimspace\s*\(\s*{one}\s*\)\s*,\s*trimspace\s*\(\s*\1\s*\)\s*,?\s*\]\s*\)'
    )


@lru_cache(maxsize=8)
def _ids(kinds: tuple[str, ...]) -> re.Pattern[str]:
    any_kind = "|".join(map(re.escape, kinds))
    return re.compile(rf"(({any_kind})\.([\w-]+)(?:\s*\[[^\]]*\])?\s*\.\s*)(?:id|arn)(?![\w-])")


def _not_replaced(intent: Replacement) -> str:
    return f"not exactly {intent.times} times the id became a reference"


def _normal(text: str, plain: frozenset[str], reference: str) -> str:
    text = _tight(text)
    for each in plain:
        pattern = (
            rf'"\s*{re.escape(each[1:-1])}\s*"'
            if each.startswith('"')
            else rf"(?<![\w.-]){re.escape(each)}(?![\w-])"
        )
        text = re.sub(pattern, reference, text)
    # python-hcl2 writes an expression as a template, and a literal in quotes only. A template may
    # contain nothing but the reference.
    return (
        reference
        if re.fullmatch(rf'"?\s*\$\{{\s*{re.escape(reference)}\s*\}}\s*"?', text)
        else text
    )


def _tight(text: str) -> str:
    """Return the text without blanks around dots, since blanks join tree-sitter's tokens."""
    return re.sub(r"\s*\.\s*", ".", text)


def _count(text: str, reference: str) -> int:
    return len(re.findall(rf"(?<![\w.-]){re.escape(reference)}(?![\w-])", _tight(text)))
