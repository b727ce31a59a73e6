"""Frozen, slotted values at a tenth of what a dataclass costs at import.

`dataclasses` compiles five functions for each class, some milliseconds on a cold start, and the domain has dozens of classes: they
were half of `check --offline` (docs/decisions/0005). Type checkers see the same thing, by `typing.dataclass_transform` (PEP 681).
"""

from __future__ import annotations

from inspect import get_annotations
from typing import Any, TypeVar, cast, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def value(cls: type[T]) -> type[T]:
    """Make a class a frozen value whose fields are its annotations, given by keyword."""
    return _made(cls)


@dataclass_transform(frozen_default=True)
def short_value(cls: type[T]) -> type[T]:
    """Make a class a frozen value with so few fields that their order says which is which."""
    return _made(cls)


def replace(this: T, /, **changes: Any) -> T:
    """The same value with some fields changed; raises TypeError for a field that it does not have."""
    names: tuple[str, ...] = getattr(type(this), "__slots__", ())
    return type(this)(**{**{name: getattr(this, name) for name in names}, **changes})


def _made(cls: type[T]) -> type[T]:
    names = tuple(get_annotations(cls))
    defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
    body = {key: entry for key, entry in cls.__dict__.items() if key not in {*names, "__dict__", "__weakref__"}}
    body |= {"__slots__": names, "__match_args__": names, "_defaults": defaults}
    for method in (_init, _eq, _hash, _repr, _frozen):
        body.setdefault(_METHODS[method.__name__], method)
    body["__delattr__"] = _frozen
    made: Any = type(cls.__name__, cls.__bases__, body)
    return cast("type[T]", made)


def _init(self: Any, *given: Any, **named: Any) -> None:
    names, defaults = self.__slots__, self._defaults
    if len(given) > len(names):
        raise TypeError(f"{type(self).__name__} has {len(names)} fields, not {len(given)}")
    named.update(zip(names, given, strict=False))
    for name in names:
        if name in named:
            object.__setattr__(self, name, named.pop(name))
        elif name in defaults:
            object.__setattr__(self, name, defaults[name])
        else:
            raise TypeError(f"{type(self).__name__} needs {name}")
    if named:
        raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(named))}")


def _fields(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in self.__slots__)


def _eq(self: Any, other: object) -> Any:
    return _fields(self) == _fields(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash((type(self), _fields(self)))


def _repr(self: Any) -> str:
    fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
    return f"{type(self).__name__}({fields})"


def _frozen(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"{type(self).__name__}.{name} is frozen")


_METHODS = {"_init": "__init__", "_eq": "__eq__", "_hash": "__hash__", "_repr": "__repr__", "_frozen": "__setattr__"}
