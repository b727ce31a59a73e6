"""Rego policies, evaluated by a real engine."""

from __future__ import annotations

import base64
import json

from regopy import Interpreter


def answers(policy, document):
    """Return the sorted answers of `deny` and `warn` of a policy.

    The engine prints quotes inside strings unescaped, which is not JSON, so each answer is base64.
    """
    text = policy.read_text(encoding="utf-8")
    package = text.partition("\npackage ")[2].partition("\n")[0]
    engine = Interpreter()
    engine.add_module(policy.name, text)
    engine.set_input(document)
    said = []
    for rule in ("deny", "warn"):
        answer = engine.query(f"x := [base64.encode(each) | some each in data.{package}.{rule}]")
        said.append(
            sorted(
                base64.b64decode(each).decode() for each in json.loads(str(answer))["bindings"]["x"]
            )
        )
    return tuple(said)
