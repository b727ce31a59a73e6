"""The shipped IAM policies, and the calls that they allow."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

IAM = Path(__file__).parents[2] / "policies" / "iam"


def grants(name):
    """Return each pair of action and resource that a policy allows."""
    return [
        (action, resource)
        for statement in json.loads((IAM / name).read_text(encoding="utf-8"))["Statement"]
        for action in _several(statement["Action"])
        for resource in _several(statement["Resource"])
    ]


def allows(grant, call):
    """Return whether a grant allows a logged call; `*` matches slashes, as in IAM."""
    action, resource = call.iam
    # The second version's paths begin with /v2, which its ARNs do not have.
    return fnmatchcase(action, grant[0]) and fnmatchcase(
        resource.replace("::/v2/", "::/"), grant[1]
    )


def _several(one):
    return [one] if isinstance(one, str) else one
