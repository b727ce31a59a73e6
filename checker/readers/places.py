"""Places as a document tells them otherwise than by ARN."""

from __future__ import annotations

from checker.domain.place import Place

# Source: AWS general reference, partitions and their regions' prefixes (botocore's partitions.json).
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
)


def in_region(region: str | None, account: str | None = None) -> Place:
    """The place that a region's name means, its partition included; unknown for None and the empty string."""
    if not region:
        return Place(account=account)
    partition = next((name for prefix, name in _PARTITIONS if region.startswith(prefix)), "aws")
    return Place(partition, account, region)
