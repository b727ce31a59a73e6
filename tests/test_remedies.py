"""`remedies.toml` names, for every remedy text of the product, the test that follows it or the
reason why no test does.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE: dict[str, dict[str, str]] = tomllib.loads(
    (ROOT / "tests" / "remedies.toml").read_text(encoding="utf-8")
)
# A remedy is a keyword `remedy`, an argument at this position, a constant, or the result of a
# function of that name.
_PLACES = {
    "Blocked": 1,
    "Waiting": 0,
    "Obstacle": 1,
    "Unanswered": 1,
    "RenewsNot": 1,
    "GatewayError": 1,
    "about": 5,
    "about_exemption": 4,
}
_CONSTANTS = re.compile(r"remedy|^_ANEW$|^_BY_HAND$|^_LEAVING$", re.IGNORECASE)
_FUNCTIONS = re.compile(r"remedy|^undo$|^rotate$|cure$")


def _pieces(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression can produce, with `{}` for each inserted value.

    A single word is skipped.
    """
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values
            )
        case ast.IfExp(body=body, orelse=other):
            yield from _pieces(body)
            yield from _pieces(other)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _pieces(value)
        case ast.BinOp(left=left, right=right):
            yield from _pieces(left)
            yield from _pieces(right)
        case ast.Tuple(elts=elements):
            for element in elements:
                yield from _pieces(element)
        case _:
            return


def _parameters(tree: ast.Module) -> dict[str, int]:
    """Return the functions of a module that have a parameter `remedy`, each with the position of
    that argument.
    """
    return {
        node.name: names.index("remedy")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and "remedy"
        in (
            names := [
                each.arg
                for each in (*node.args.posonlyargs, *node.args.args)
                if each.arg not in {"self", "cls"}
            ]
        )
    }


@cache
def _shared_parameters() -> dict[str, int]:
    """Return the functions of all modules that have a parameter `remedy` and are used by other
    modules.
    """
    found = (
        _parameters(ast.parse(path.read_text(encoding="utf-8")))
        for path in (ROOT / "checker").rglob("*.py")
    )
    return {name: at for each in found for name, at in each.items() if not name.startswith("_")}


def _expressions(tree: ast.Module) -> Iterator[ast.expr]:
    places = {**_PLACES, **_shared_parameters(), **_parameters(tree)}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func, args=arguments, keywords=keywords):
                yield from (each.value for each in keywords if each.arg == "remedy")
                at = places.get(getattr(func, "id", getattr(func, "attr", "")))
                if at is not None and len(arguments) > at:
                    yield arguments[at]
            case ast.Assign(targets=targets, value=value):
                names = [
                    name.id
                    for target in targets
                    for name in ast.walk(target)
                    if isinstance(name, ast.Name)
                ]
                if any(map(_CONSTANTS.search, names)):
                    yield value
            case ast.FunctionDef(name=name) if _FUNCTIONS.search(name):
                yield from (
                    found.value
                    for found in ast.walk(node)
                    if isinstance(found, ast.Return) and found.value is not None
                )
            case _:
                pass


def _followed(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the remedy expressions of a module, and those returned by its functions that are called
    for a remedy.
    """
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    waiting, seen = list(_expressions(tree)), set()
    while waiting:
        expression = waiting.pop()
        yield expression
        match expression:
            case ast.IfExp(body=one, orelse=other):
                waiting += [one, other]
            case ast.BoolOp(values=values):
                waiting += values
            case ast.BinOp(left=left, right=right):
                waiting += [left, right]
            case ast.Call(func=ast.Name(id=name)) if name in functions and name not in seen:
                seen.add(name)
                waiting += [
                    node.value
                    for node in ast.walk(functions[name])
                    if isinstance(node, ast.Return) and node.value
                ]
            case _:
                pass


def remedies() -> Iterator[tuple[str, str]]:
    """Yield each remedy text with the module that contains it."""
    for path in sorted((ROOT / "checker").rglob("*.py")):
        texts = {
            text: None
            for expression in _followed(ast.parse(path.read_text(encoding="utf-8")))
            for text in _pieces(expression)
            if len(text.split()) > 1
        }
        yield from ((path.relative_to(ROOT).as_posix(), text) for text in texts)


def row_of(module: str, text: str) -> tuple[str, str] | None:
    """Return the section and key for a remedy: the longest matching text in the module's section,
    else `*`, else those of its folder.
    """
    for section in sorted(
        (name for name in TABLE if fnmatchcase(module, name)), key=len, reverse=True
    ):
        keys = [key for key in TABLE[section] if key != "*" and key in text]
        if keys:
            return section, max(keys, key=len)
        if "*" in TABLE[section]:
            return section, "*"
    return None


def test_every_remedy_has_a_row():
    """Every remedy text has a row in remedies.toml, with a test that follows it or a reason why
    none can.
    """
    missing = [f"{module}: {text!r}" for module, text in remedies() if row_of(module, text) is None]
    assert not missing, (
        "write a row into tests/remedies.toml for each of these remedies:\n" + "\n".join(missing)
    )


def test_every_row_has_a_remedy():
    """Every row of remedies.toml matches a remedy text that still exists."""
    used = {row_of(module, text) for module, text in remedies()}
    stale = [
        f"[{section}] {key!r}"
        for section, rows in TABLE.items()
        for key in rows
        if key != "*" and (section, key) not in used
    ]
    assert not stale, (
        "no remedy has these texts any more; take the rows out of tests/remedies.toml:\n"
        + "\n".join(stale)
    )


@cache
def _tests_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(
    "value", sorted({value for rows in TABLE.values() for value in rows.values()})
)
def test_what_a_row_names_is_there(value):
    """The value of a row is the name of an existing test, or a reason of several words."""
    if value.startswith("reason: "):
        assert len(value.split()) > 4
        return
    path, _, name = value.partition("::")
    assert (ROOT / path).is_file(), path
    assert name in _tests_of(path), value


# The blocks that tfcert advises to write, and the version that reads them first. Source:
# Terraform's changelog. One with a provisioner in `removed` needs 1.9.
_NEWER = re.compile(r"`(?:import|moved|removed)(?:` block| \{)")
_VERSION = re.compile(r"Terraform 1\.\d+ and later")


def test_a_text_that_advises_a_newer_block_names_the_version_that_it_needs():
    """An older Terraform rejects `import`, `moved` and `removed` blocks, so each text that advises
    one names the version.
    """
    advised = []
    for path in sorted((ROOT / "checker").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr | ast.JoinedStr)  # a docstring, or a part of a text
            for part in ast.iter_child_nodes(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inside:
                advised += [text for text in _pieces(node) if _NEWER.search(text)]
    assert len(advised) >= 4
    assert [text for text in advised if not _VERSION.search(text)] == []
