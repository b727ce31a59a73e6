"""Terraform resource addresses, parsed and printed as Terraform prints them.

Source of the quoting: opentofu and terraform, internal/addrs (instance keys are printed by
`hclwrite` escaping).
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

InstanceKey = int | str | None

_IDENTIFIER = re.compile(r"[^\W\d][\w-]*")
# A count's index as Terraform prints it. A longer number is none, and Python refuses to parse very
# long ones.
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_PRINTED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


class AddressError(ValueError):
    """Raised for a text that is not a resource address; the message names the bad character."""


class ModuleStep(Struct, frozen=True):
    """One `module.NAME` of an address, with its instance key if the call has count or for_each."""

    name: str
    key: InstanceKey = None

    def __str__(self) -> str:
        return f"module.{self.name}{print_key(self.key)}"


class Address(Struct, frozen=True):
    """The address of one resource instance, or of a resource block if it has no keys."""

    type: str
    name: str
    key: InstanceKey = None
    modules: tuple[ModuleStep, ...] = ()
    data: bool = False

    def __str__(self) -> str:
        own = f"{'data.' if self.data else ''}{self.type}.{self.name}{print_key(self.key)}"
        return ".".join([*map(str, self.modules), own])

    @property
    def block(self) -> Address:
        """Return the address of the block that declares this instance: no instance keys."""
        if self.key is None and all(step.key is None for step in self.modules):
            return self
        modules = tuple(replace(step, key=None) for step in self.modules)
        return replace(self, key=None, modules=modules)

    @property
    def instance(self) -> tuple[tuple[ModuleStep, ...], InstanceKey]:
        """Return which instance of its block this is.

        In a rotation, the same instance of two blocks belongs together.
        """
        return self.modules, self.key

    @property
    def in_module(self) -> str:
        """Return the block as a reference inside its own module: `TYPE.NAME`."""
        return f"{'data.' if self.data else ''}{self.type}.{self.name}"

    @property
    def module_path(self) -> tuple[str, ...]:
        """Return the names of its module calls, without keys; empty in the root module."""
        return tuple(step.name for step in self.modules)


def print_key(key: InstanceKey) -> str:
    """Print an instance key in brackets, as Terraform does: `[0]`, `["a.b"]`, nothing for None."""
    match key:
        case None:
            return ""
        case int():
            return f"[{key}]"
        case str():
            return f'["{_escape(key)}"]'


def parse(text: str) -> Address:
    """Parse an address in every form that Terraform prints.

    Raises AddressError for anything else; the message names the first wrong character.
    """
    scanner = _Scanner(text)
    modules: list[ModuleStep] = []
    while True:
        word = scanner.identifier()
        if word == "module":
            scanner.expect(".")
            modules.append(ModuleStep(scanner.identifier(), scanner.key()))
            scanner.expect(".")
            continue
        data = word == "data"
        if data:
            scanner.expect(".")
            word = scanner.identifier()
        scanner.expect(".")
        address = Address(word, scanner.identifier(), scanner.key(), tuple(modules), data)
        scanner.end()
        return address


def _escape(key: str) -> str:
    out: list[str] = []
    for index, char in enumerate(key):
        following = key[index + 1 : index + 2]
        if char in "$%" and following == "{":
            out.append(char * 2)
        elif char in _PRINTED:
            out.append(_PRINTED[char])
        elif not char.isprintable() and char != " ":
            out.append(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
        else:
            out.append(char)
    return "".join(out)


def _is_character(code: int) -> bool:
    return code < 0xD800 or 0xDFFF < code <= 0x10FFFF


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, wanted: str) -> AddressError:
        return AddressError(f"expected {wanted} at character {self.at + 1} of {self.text[:200]!r}")

    def expect(self, char: str) -> None:
        if not self.text.startswith(char, self.at):
            raise self.fail(f"{char!r}")
        self.at += len(char)

    def identifier(self) -> str:
        found = _IDENTIFIER.match(self.text, self.at)
        if found is None:
            raise self.fail("a name")
        self.at = found.end()
        return found.group()

    def key(self) -> InstanceKey:
        if not self.text.startswith("[", self.at):
            return None
        self.at += 1
        number = _NUMBER.match(self.text, self.at)
        key: InstanceKey
        if number is not None:
            key = int(number.group())
            self.at = number.end()
        else:
            key = self._string()
        self.expect("]")
        return key

    def _string(self) -> str:
        self.expect('"')
        out: list[str] = []
        while True:
            char = self.text[self.at : self.at + 1]
            if not char:
                raise self.fail('a closing "')
            self.at += 1
            if char == '"':
                return "".join(out)
            if char == "\\":
                out.append(self._escaped())
            elif char in "$%" and self.text.startswith(char + "{", self.at):
                out.append(char + "{")
                self.at += 2
            else:
                out.append(char)

    def _escaped(self) -> str:
        char = self.text[self.at : self.at + 1]
        width = {"u": 4, "U": 8}.get(char, 0)
        if width:
            digits = self.text[self.at + 1 : self.at + 1 + width]
            if not re.fullmatch(f"[0-9a-fA-F]{{{width}}}", digits) or not _is_character(
                int(digits, 16)
            ):
                raise self.fail(f"{width} hexadecimal digits of a character")
            self.at += 1 + width
            return chr(int(digits, 16))
        if char not in _ESCAPES:
            raise self.fail("an escape")
        self.at += 1
        return _ESCAPES[char]

    def end(self) -> None:
        if self.at != len(self.text):
            raise self.fail("the end")
