"""Places in AWS (partition, account, region), and the access to them."""

from __future__ import annotations

from msgspec import Struct


class Place(Struct, frozen=True):
    """A partition, an account and a region; None for a part that no document names."""

    partition: str | None = None
    account: str | None = None
    region: str | None = None

    def or_else(self, other: Place) -> Place:
        """Return this place, with its unknown parts filled from another one."""
        if self.partition and self.account and self.region:
            return self
        return Place(
            self.partition or other.partition,
            self.account or other.account,
            self.region or other.region,
        )

    def may_be(self, other: Place) -> bool:
        """Return whether the two places may be the same: known accounts and regions are equal."""
        pairs = ((self.region, other.region), (self.account, other.account))
        return all(one is None or two is None or one == two for one, two in pairs)

    def __str__(self) -> str:
        return f"account {self.account or 'unknown'}, region {self.region or 'unknown'}"


def place_of_arn(arn: str | None) -> Place:
    """Parse the place from an ARN; empty fields are unknown (API Gateway's ARNs have no account).

    Source: AWS's ARN reference, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
    """
    fields = (arn or "").split(":", 5)
    if len(fields) < 6 or fields[0] != "arn":
        return Place()
    return Place(fields[1] or None, fields[4] or None, fields[3] or None)


# The partitions by the start of their regions' names, and a region of each that answers what all
# regions answer alike. Source: botocore's `partitions.json`; a test compares the two.
_PARTITIONS = {
    "cn-": ("aws-cn", "cn-north-1"),
    "us-gov-": ("aws-us-gov", "us-gov-west-1"),
    "us-iso-": ("aws-iso", "us-iso-east-1"),
    "us-isob-": ("aws-iso-b", "us-isob-east-1"),
    "eu-isoe-": ("aws-iso-e", "eu-isoe-west-1"),
    "us-isof-": ("aws-iso-f", "us-isof-south-1"),
    "eusc-": ("aws-eusc", "eusc-de-east-1"),
}
_COMMERCIAL = ("aws", "us-east-1")


def partition_of_region(region: str) -> str:
    """Return the partition of a region, by its name; an unknown name is of the partition `aws`."""
    found = (names for prefix, names in _PARTITIONS.items() if region.startswith(prefix))
    return next(found, _COMMERCIAL)[0]


def in_region(region: str | None, account: str | None = None) -> Place:
    """Return the place of a region, with its partition; unknown for None and the empty string."""
    if not region:
        return Place(account=account)
    return Place(partition_of_region(region), account, region)


def home_region(partition: str | None) -> str:
    """Return the region to ask for what is the same in all regions of a partition."""
    homes = dict(_PARTITIONS.values())
    return homes.get(partition or "", _COMMERCIAL[1])


class Access(Struct, frozen=True, kw_only=True):
    """A profile, and a role that was assumed with it.

    If `profile` is None, boto3's default credential chain applies.
    """

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
