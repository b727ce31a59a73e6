"""The owner that the tags of a resource name."""

from __future__ import annotations

from checker.model.conditions import Tags

# Tag keys that name an owner, in any case. Source: AWS whitepaper "Best Practices for Tagging AWS
# Resources", which proposes an owner and a team.
_OWNERS = ("owner", "team", "owned-by", "ownedby", "contact")

# The forms of these keys that are read of a state, where only the tags that are asked for are kept.
OWNER_TAGS = frozenset(
    {form for key in _OWNERS for form in (key, key.upper(), key.capitalize(), key.title())}
    | {"OwnedBy", "ownedBy"}
)


def owner_tag(tags: Tags | None) -> tuple[str, str] | None:
    """Return the key and the value of the tag that names an owner; None if there is none."""
    lower = {key.casefold(): (key, text) for key, text in tags or ()}
    for name in _OWNERS:
        if name in lower and lower[name][1]:
            return lower[name]
    return None
