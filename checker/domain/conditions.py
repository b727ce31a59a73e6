"""Which stages and certificates an entry of a policy is about, and whether one of them is meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from checker.domain.address import Address
from checker.domain.value import replace, short_value, value

Tags = tuple[tuple[str, str], ...]


@value
class Traits:
    """What is known of a certificate together with one stage that presents it; None, or nothing, for what is not.

    `addresses` and `tags` are those of the certificate and of the stage, each in its own entry. `tags` has none for a resource
    whose tags no document shows. `directory` is that of the configuration.
    """

    addresses: tuple[Address, ...] = ()
    account: str | None = None
    region: str | None = None
    workspace: str | None = None
    directory: str | None = None
    tags: tuple[Tags, ...] = ()
    stage: str | None = None
    api: str | None = None


Test = Callable[[Traits], bool]
_PLAIN = ("account", "region", "workspace", "directory", "stage", "api")


@short_value
class Unmet:
    """A condition that does not hold, and why not, in words."""

    condition: str
    why: str


@value
class Conditions:
    """Patterns that must all hold; of several patterns in one place any may. One without patterns holds everywhere.

    In a pattern `*` stands for any text and `?` for one character; in that of a directory `*` stops at a slash and `**` does
    not. Everything else means itself, the brackets of an instance too.
    """

    address: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    workspace: tuple[str, ...] = ()
    directory: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    api: tuple[str, ...] = ()
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def hold(self, traits: Traits) -> bool:
        """Whether all conditions are known to hold: what is not known is not met."""
        return all(test(traits) for test in self.tests())

    def tests(self) -> tuple[Test, ...]:
        """A function for each condition that there is, for those who ask about thousands of stages."""
        found: list[Test] = [_plain(name, getattr(self, name)) for name in _PLAIN if getattr(self, name)]
        found += (_tag(key, patterns) for key, patterns in self.tags)
        return (*found, _address(self.address)) if self.address else tuple(found)

    def unmet(self, traits: Traits) -> Iterator[Unmet]:
        """The conditions that do not hold, in the order of the fields."""
        if self.address and not _address(self.address)(traits):
            yield Unmet("address", _told(self.address, ", ".join(map(str, traits.addresses))))
        for name in _PLAIN:
            patterns: tuple[str, ...] = getattr(self, name)
            if patterns and not _plain(name, patterns)(traits):
                yield Unmet(name, _told(patterns, getattr(traits, name)))
        for key, wanted in self.tags:
            if not _tag(key, wanted)(traits):
                values = [text for tags in traits.tags for name, text in tags if name == key]
                yield Unmet(f"tags.{key}", _told(wanted, ", ".join(values), missing="no such tag" if traits.tags else "not known"))


@lru_cache(maxsize=1024)
def glob(pattern: str) -> re.Pattern[str]:
    """A pattern in which `*` stands for any text and `?` for one character."""
    return _compiled(pattern, {"*": ".*", "?": "."})


@lru_cache(maxsize=1024)
def path_glob(pattern: str) -> re.Pattern[str]:
    """A pattern of a directory: `*` and `?` stop at a slash, `**` stands for any number of folders, none included."""
    return _compiled(
        pattern.rstrip("/"), {"/**/": "/(?:.*/)?", "**/": "(?:.*/)?", "/**": "(?:/.*)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    )


def _compiled(pattern: str, special: dict[str, str]) -> re.Pattern[str]:
    pieces = re.split("(" + "|".join(map(re.escape, special)) + ")", pattern)
    return re.compile("".join(special.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)


def _plain(name: str, patterns: tuple[str, ...]) -> Test:
    compiled = tuple((path_glob if name == "directory" else glob)(pattern) for pattern in patterns)

    def test(traits: Traits) -> bool:
        known: str | None = getattr(traits, name)
        return known is not None and any(pattern.fullmatch(known) for pattern in compiled)

    return test


def _tag(key: str, patterns: tuple[str, ...]) -> Test:
    compiled = tuple(map(glob, patterns))

    def test(traits: Traits) -> bool:
        values = [text for tags in traits.tags for name, text in tags if name == key]
        return any(pattern.fullmatch(text) for text in values for pattern in compiled)

    return test


def _address(patterns: tuple[str, ...]) -> Test:
    compiled = tuple(map(glob, patterns))

    def test(traits: Traits) -> bool:
        return any(pattern.fullmatch(name) for address in traits.addresses for name in _names(address) for pattern in compiled)

    return test


@lru_cache(maxsize=1 << 16)
def _names(address: Address) -> tuple[str, ...]:
    """An address with and without the keys of its instances, so that a pattern without keys means all of them."""
    return tuple({str(address), str(replace(address, key=None)), str(address.block)})


def _told(patterns: tuple[str, ...], known: str | None, missing: str = "not known") -> str:
    wanted = " or ".join(patterns)
    return f"{known} is not {wanted}" if known else f"{missing}, so not {wanted}"
