"""Conditions of policy entries: which stages and certificates an entry applies to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from checker.model.address import Address

Tags = tuple[tuple[str, str], ...]


class Traits(Struct, frozen=True, kw_only=True):
    """The known traits of a certificate and of one stage that presents it.

    Unknown traits are None or empty. `addresses` and `tags` have one entry for the certificate and
    one for the stage. `tags` has no entry for a resource whose tags no document shows. `directory`
    is the directory of the configuration.
    """

    addresses: tuple[Address, ...] = ()
    account: str | None = None
    region: str | None = None
    workspace: str | None = None
    directory: str | None = None
    tags: tuple[Tags, ...] = ()
    stage: str | None = None
    api: str | None = None


_PATH_PIECES = r"/\*\*/|\*\*/|/\*\*|\*\*|."
# The conditions on a single text.
PLAIN_FIELDS = ("account", "region", "workspace", "directory", "stage", "api")


class Unmet(Struct, frozen=True):
    """A condition that is not met, and the reason."""

    condition: str
    why: str


class Conditions(Struct, frozen=True, kw_only=True):
    """Patterns of a policy entry: every field must match, by any of its patterns.

    Conditions without patterns match everything. In a pattern `*` matches any text and `?` matches
    one character. In a directory pattern `*` stops at a slash and `**` does not. All other
    characters are literal, including the brackets of an instance key.
    """

    address: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    workspace: tuple[str, ...] = ()
    directory: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    api: tuple[str, ...] = ()
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def match(self, traits: Traits) -> bool:
        """Return whether all conditions are met; a condition on an unknown trait is not met."""
        return next(self.unmet(traits), None) is None

    def wild(self) -> Iterator[str]:
        """Yield the patterns that contain wildcards."""
        groups = (
            self.address,
            *(getattr(self, name) for name in PLAIN_FIELDS),
            *(patterns for _, patterns in self.tags),
        )
        return (each for group in groups for each in group if is_pattern(each))

    def unmet(self, traits: Traits) -> Iterator[Unmet]:
        """Yield the conditions that are not met, in the order of the fields."""
        if self.address and not _address(self.address, traits):
            yield Unmet("address", _reason(self.address, ", ".join(map(str, traits.addresses))))
        for name in PLAIN_FIELDS:
            patterns: tuple[str, ...] = getattr(self, name)
            known: str | None = getattr(traits, name)
            if patterns and (known is None or not compile_patterns(name, patterns)(known)):
                yield Unmet(name, _reason(patterns, known))
        for key, wanted in self.tags:
            values = [text for tags in traits.tags for name, text in tags if name == key]
            if not any(map(compile_patterns("tags", wanted), values)):
                yield Unmet(
                    f"tags.{key}",
                    _reason(
                        wanted,
                        ", ".join(values),
                        missing="no such tag" if traits.tags else "not known",
                    ),
                )


@lru_cache(maxsize=1024)
def glob(pattern: str) -> re.Pattern[str]:
    """Compile a pattern in which `*` matches any text and `?` matches one character.

    The text between two `*` is matched at its first occurrence and never retried (an atomic group).
    So the time is at most the text's length times the pattern's length, for every pattern.
    """
    first, *between = re.sub(r"\*+", "*", pattern).split("*")
    if not between:
        return re.compile(_literal(first), re.DOTALL)
    *inner, last = map(_literal, between)
    return re.compile(
        f"{_literal(first)}{''.join(f'(?>.*?{part})' for part in inner)}.*{last}", re.DOTALL
    )


class PathGlob:
    """A directory pattern: `*` and `?` stop at a slash; `**` matches zero or more folders.

    It follows all ways through the pattern at once. So the time is at most the pattern's length
    times the text's length.
    """

    def __init__(self, pattern: str) -> None:
        steps: list[tuple[str, int]] = []
        for piece in re.findall(_PATH_PIECES, pattern.rstrip("/"), re.DOTALL):
            match piece:
                case "/**/":
                    steps += [("/", 1), ("skip", 3), ("any", 1), ("/", 1)]
                case "**/":
                    steps += [("skip", 3), ("any", 1), ("/", 1)]
                case "/**":
                    steps += [("skip", 3), ("/", 1), ("any", 1)]
                case "**":
                    steps.append(("any", 1))
                case "*":
                    steps.append(("name", 1))
                case _:
                    steps.append((piece, 1))
        self._steps = tuple(steps)

    def fullmatch(self, text: str) -> str | None:
        """Return the text if all of it matches; None otherwise."""
        at = self._reachable({0})
        for character in text:
            moved: set[int] = set()
            for index in at:
                step = self._steps[index][0] if index < len(self._steps) else ""
                if step == "any" or (step == "name" and character != "/"):
                    moved.add(index)
                elif step == character or (step == "?" and character != "/"):
                    moved.add(index + 1)
            at = self._reachable(moved)
            if not at:
                return None
        return text if len(self._steps) in at else None

    def _reachable(self, at: set[int]) -> set[int]:
        """Return the positions that are reachable without a character, past optional steps."""
        found, waiting = set(at), list(at)
        while waiting:
            index = waiting.pop()
            step, length = self._steps[index] if index < len(self._steps) else ("", 0)
            reachable = {
                "any": (index + 1,),
                "name": (index + 1,),
                "skip": (index + 1, index + length),
            }.get(step, ())
            for each in reachable:
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return found


path_glob = lru_cache(maxsize=1024)(PathGlob)


def _literal(text: str) -> str:
    """Return a text as a regular expression in which `?` matches one character."""
    return ".".join(map(re.escape, text.split("?")))


def _address(patterns: tuple[str, ...], traits: Traits) -> bool:
    fits = compile_patterns("address", patterns)
    return any(fits(name) for address in traits.addresses for name in address_names(address))


def is_pattern(text: str) -> bool:
    """Return whether a text contains wildcards."""
    return "*" in text or "?" in text


@lru_cache(maxsize=1024)
def compile_patterns(field: str, patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return a function that checks whether a text matches any of the patterns of a field.

    Patterns without wildcards take one set lookup, however many there are.
    """
    compiling: Callable[[str], re.Pattern[str] | PathGlob] = glob
    if field == "directory":
        compiling, patterns = path_glob, tuple(each.rstrip("/") for each in patterns)
    plain = frozenset(each for each in patterns if not is_pattern(each))
    compiled = tuple(compiling(each) for each in patterns if is_pattern(each))

    def fits(text: str) -> bool:
        return text in plain or any(pattern.fullmatch(text) is not None for pattern in compiled)

    return fits


@lru_cache(maxsize=1 << 16)
def address_names(address: Address) -> tuple[str, ...]:
    """Return an address with and without instance keys.

    So a pattern without keys matches all instances.
    """
    block = address.block
    if block is address:
        return (str(address),)
    return tuple({str(address), str(replace(address, key=None)), str(block)})


def _reason(patterns: tuple[str, ...], known: str | None, missing: str = "not known") -> str:
    wanted = " or ".join(patterns)
    return f"{known} is not {wanted}" if known else f"{missing}, so not {wanted}"
