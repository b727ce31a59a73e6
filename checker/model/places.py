"""Partition/account/region; profile and role."""

from __future__ import annotations

from msgspec import Struct


class Place(Struct, frozen=True):
    """A partition, an account and a region; None for what no document says."""

    partition: str | None = None
    account: str | None = None
    region: str | None = None

    def or_else(self, other: Place) -> Place:
        """This place, with what it does not know taken from another."""
        if self.partition and self.account and self.region:
            return self
        return Place(
            self.partition or other.partition,
            self.account or other.account,
            self.region or other.region,
        )

    def may_be(self, other: Place) -> bool:
        """Whether nothing speaks against the two being one: neither the accounts nor the regions contradict each other."""
        pairs = ((self.region, other.region), (self.account, other.account))
        return all(one is None or two is None or one == two for one, two in pairs)

    def __str__(self) -> str:
        return f"account {self.account or 'unknown'}, region {self.region or 'unknown'}"


def place_of_arn(arn: str | None) -> Place:
    """Read the place out of an ARN; empty fields are unknown (API Gateway's own ARNs carry no account).

    Source: AWS's ARN reference, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
    """
    fields = (arn or "").split(":", 5)
    if len(fields) < 6 or fields[0] != "arn":
        return Place()
    return Place(fields[1] or None, fields[4] or None, fields[3] or None)


class Access(Struct, frozen=True, kw_only=True):
    """A profile, and a role that was assumed from it; what is None is whatever boto3's own chain found in the environment."""

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
