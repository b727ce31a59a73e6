"""The compiled grammar of python-hcl2, which takes seconds to build.

It is built with tfcert (`hatch_build.py`) and shipped beside this module. The file is in the format
of `marshal`, which has values only: no code runs when it is read, as it would with a pickle.
"""

from __future__ import annotations

import hashlib
import importlib
import marshal
import os
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark

_BUILT = Path(__file__).parent / "built"
_FILE = "python_hcl2.grammar"
_DIGEST = "digest.py"
_private: list[Path] = []


def set_grammar_cache(directory: Path) -> None:
    """Set a private folder of the user as a cache, for versions that have no shipped grammar.

    It is not used if others can write to it: the cache is a pickle of python-hcl2's own.
    """
    _private[:] = [directory]


@cache
def parser() -> Lark:
    """Return python-hcl2's parser: from the shipped grammar, else from the cache, else built."""
    return _shipped(_BUILT) or _cached() or _build()


def write_grammar(folder: Path) -> tuple[Path, Path]:
    """Build the grammar for the versions at hand, and write it with its digest; return both paths.

    Raises OSError if the folder cannot be written.
    """
    from lark.grammar import Rule
    from lark.lark import _LOAD_ALLOWED_OPTIONS
    from lark.lexer import TerminalDef

    built = _build()
    _number(built)
    data, memo = built.memo_serialize([TerminalDef, Rule])
    options = data["options"].items()
    data["options"] = {name: value for name, value in options if name not in _LOAD_ALLOWED_OPTIONS}
    text = marshal.dumps(_shared((data, memo), {}))
    folder.mkdir(exist_ok=True)
    grammar, digest = folder / _FILE, folder / _DIGEST
    grammar.write_bytes(text)
    grammar.chmod(0o644)
    digest.write_text(
        f'KEY = "{_key()}"\nSHA256 = "{hashlib.sha256(text).hexdigest()}"\n', encoding="utf-8"
    )
    return grammar, digest


def _shared(found: Any, known: dict[tuple[type, object], object]) -> Any:
    """Return equal values as one object each: marshal writes an object again as a reference.

    `known` has the texts and numbers so far.
    """
    match found:
        case dict():
            return {_shared(key, known): _shared(each, known) for key, each in found.items()}
        case list():
            return [_shared(each, known) for each in found]
        case tuple():
            return tuple([_shared(each, known) for each in found])
        case str():
            return known.setdefault((str, found), sys.intern(found))
        case _:
            return known.setdefault((type(found), found), found)


def _number(built: Lark) -> None:
    """Number the states of a parser by the tokens that lead to them.

    lark's own order follows sets, and differs from run to run: no two builds would be the same.
    """
    from lark.parsers.lalr_analysis import Shift

    table = built.parser.parser._parse_table  # noqa: SLF001 -- lark has no public way
    numbers: dict[int, int] = {}
    waiting = [state for _, state in sorted(table.start_states.items())]
    for state in waiting:
        if state not in numbers:
            numbers[state] = len(numbers)
            found = sorted(table.states[state].items())
            waiting.extend(target for _, (action, target) in found if action is Shift)
    table.states = {
        number: {
            token: (action, numbers[target] if action is Shift else target)
            for token, (action, target) in sorted(table.states[state].items())
        }
        for state, number in numbers.items()
    }
    for starts in (table.start_states, table.end_states):
        starts.update({name: numbers[state] for name, state in sorted(starts.items())})


def _key() -> str:
    """Return the versions that a grammar was built for."""
    python = ".".join(map(str, sys.version_info[:2]))
    return f"python-hcl2 {version('python-hcl2')}, lark {version('lark')}, Python {python}"


def _shipped(folder: Path) -> Lark | None:
    """Return the parser of the shipped grammar; None if it is missing, outdated or changed."""
    try:
        digest = importlib.import_module(f"checker.hcl.{folder.name}.{Path(_DIGEST).stem}")
        path = folder / _FILE
        if _key() != digest.KEY or not _is_private(path):
            return None
        text = path.read_bytes()
    except (ImportError, AttributeError, OSError):
        return None
    if hashlib.sha256(text).hexdigest() != digest.SHA256:
        return None
    from hcl2.postlexer import PostLexer
    from lark import Lark

    data, memo = marshal.loads(text)  # noqa: S302 -- its hash is the one that was shipped
    made: Lark = Lark._load_from_dict(data, memo, postlex=PostLexer(), propagate_positions=True)  # noqa: SLF001 -- as lark.tools.standalone does
    return made


def _is_private(path: Path) -> bool:
    """Return whether only the owner, who is this user or root, can write to a path."""
    status = path.stat()
    return status.st_uid in {0, os.getuid()} and not status.st_mode & 0o022


def _cached() -> Lark | None:
    import hcl2.parser

    if not _private:
        return None
    try:
        _private[0].mkdir(mode=0o700, parents=True, exist_ok=True)
        status = _private[0].stat()
    except OSError:
        return None
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        return None
    hcl2.parser.PARSER_FILE = _private[0] / f"hcl2-{version('python-hcl2')}.grammar"
    found: Lark = hcl2.parser.parser()
    return found


def _build() -> Lark:
    import hcl2.parser
    from hcl2.postlexer import PostLexer
    from lark import Lark

    return Lark.open(
        "hcl2.lark",
        parser="lalr",
        rel_to=hcl2.parser.__file__,
        propagate_positions=True,
        postlex=PostLexer(),
    )
