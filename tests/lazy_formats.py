"""Let jsonschema build its 38 grammars of IRIs where a schema first asks for one.

It builds them at its import, which took 2.3 seconds in each process of the tests.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

NAME = "rfc3987_syntax"


def is_valid_syntax(term: str, value: str) -> bool:
    """Do what the function of this name in the real module does."""
    if getattr(sys.modules[NAME], "__spec__", None) is None:
        del sys.modules[NAME]
    return bool(import_module(NAME).is_valid_syntax(term, value))


if NAME not in sys.modules and find_spec(NAME) is not None:
    stand_in = ModuleType(NAME)
    stand_in.is_valid_syntax = is_valid_syntax
    sys.modules[NAME] = stand_in
