"""Policy files: TOML in, a policy out, and nothing in it that is not known."""

from __future__ import annotations

from checker.domain.policy import Policy
from checker.readers.policy_chain import read_chain
from checker.readers.policy_layers import laid


def read_policy(path: str, data: bytes, *, name: str = "tfcert.toml") -> Policy:
    """Read a policy with what it extends; what none of them says is as in the pack `default`.

    `name` is how reports call it where it does not say. Raises UsageError naming the file, the line and the nearest right key.
    """
    layers = read_chain(path, data)
    return laid(layers, layers[-1].sheet.values.get("name", name))
