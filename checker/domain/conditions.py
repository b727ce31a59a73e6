"""Which stages and certificates an entry of a policy is about, and whether one of them is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        return next(self.unmet(traits), None) is None

    def unmet(self, traits: Traits) -> Iterator[Unmet]:
        """The conditions that do not hold, in the order of the fields."""
        if self.address and not any(_fits(pattern, name) for pattern in self.address for name in _names(traits.addresses)):
            yield Unmet("address", _told(self.address, ", ".join(map(str, traits.addresses))))
        plain = (
            ("account", self.account, traits.account, glob),
            ("region", self.region, traits.region, glob),
            ("workspace", self.workspace, traits.workspace, glob),
            ("directory", self.directory, traits.directory, path_glob),
            ("stage", self.stage, traits.stage, glob),
            ("api", self.api, traits.api, glob),
        )
        for name, patterns, known, compiled in plain:
            if patterns and (known is None or not any(compiled(pattern).fullmatch(known) for pattern in patterns)):
                yield Unmet(name, _told(patterns, known))
        for key, patterns in self.tags:
            values = [text for tags in traits.tags for name, text in tags if name == key]
            if not any(_fits(pattern, text) for pattern in patterns for text in values):
                yield Unmet(
                    f"tags.{key}", _told(patterns, ", ".join(values), missing="no such tag" if traits.tags else "not known")
                )


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


def _fits(pattern: str, text: str) -> bool:
    return glob(pattern).fullmatch(text) is not None


def _names(addresses: tuple[Address, ...]) -> Iterator[str]:
    """Each address with and without the keys of its instances, so that a pattern without keys means all of them."""
    for address in addresses:
        yield str(address)
        yield str(replace(address, key=None))
        yield str(address.block)


def _told(patterns: tuple[str, ...], known: str | None, missing: str = "not known") -> str:
    wanted = " or ".join(patterns)
    return f"{known} is not {wanted}" if known else f"{missing}, so not {wanted}"
