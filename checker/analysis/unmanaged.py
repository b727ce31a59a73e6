"""What no state of an organisation manages, by owner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checker.analysis.owners import owner_tag
from checker.model.conditions import Tags
from checker.model.inventory import Document, Sweep
from checker.model.observation import Found

# Source: AWS CloudFormation user guide, "Resource tags": CloudFormation sets it by itself.
_STACK = "aws:cloudformation:stack-name"
_SHOWN = 5


def unmanaged_notices(sweeps: Sequence[Sweep], documents: Sequence[Document]) -> Iterator[str]:
    """Yield a sentence for each owner of stages and client certificates that no state manages.

    The documents are those of the sweeps, in the same order. Resources whose owner in Terraform is
    not certain are left out.
    """
    found: dict[str, list[str]] = {}
    for sweep, document in zip(sweeps, documents, strict=True):
        for stage, shown in zip(sweep.stages, document.stages, strict=True):
            if shown.managed is False:
                name = f"stage {stage.api_id}/{stage.name} ({sweep.place})"
                found.setdefault(_owner(stage.tags), []).append(name)
        for (key, answer), known in zip(
            sweep.certificates.items(), document.certificates, strict=True
        ):
            if known.managed is False:
                tags = answer.tags if isinstance(answer, Found) else None
                name = f"certificate {key.id} ({sweep.place})"
                found.setdefault(_owner(tags), []).append(name)
    for owner, names in sorted(found.items()):
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield (
            f"no state manages {len(names)} resource{'s' if len(names) > 1 else ''} of {owner}: "
            f"{', '.join(names[:_SHOWN])}{more}"
        )


def _owner(tags: Tags | None) -> str:
    """Return the owner that a tag names, else the CloudFormation stack."""
    found = owner_tag(tags)
    if found is not None:
        return f"{found[1]} (tag {found[0]})"
    stack = next((text for key, text in tags or () if key.casefold() == _STACK), "")
    return f"stack {stack}" if stack else "an unknown owner (no owner tag)"
