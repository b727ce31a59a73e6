"""How AWS is reached: what the command line and the policy say about credentials, region and patience."""

from __future__ import annotations

from dataclasses import dataclass

from checker.model.places import Place, place_of_arn
from checker.model.policy import AccountAccess

DEFAULT_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role to assume, and what its trust policy asks for besides."""

    arn: str
    external_id: str | None = None

    @property
    def account(self) -> str | None:
        """The account that the role is of, which its ARN says."""
        return place_of_arn(self.arn).account


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The credentials to ask with, the region to ask where no document names one, and the seconds to wait.

    What is None is left to boto3's own chain: environment, profile, SSO, web identity, instance. `role_arn` is assumed by these,
    and the roles of `accounts` by what comes of that. `timeout` bounds all that is asked about one account and
    region; see `deadline.Patience` for lists that are long.
    """

    profile: str | None = None
    role_arn: str | None = None
    region: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    accounts: tuple[AccountAccess, ...] = ()

    @property
    def own_role(self) -> Role | None:
        """The role of the command line; its external id is the one that the policy names for the role's account."""
        if self.role_arn is None:
            return None
        access = self._access(place_of_arn(self.role_arn).account)
        return Role(
            arn=self.role_arn, external_id=access.external_id if access is not None else None
        )

    def role_for(self, place: Place) -> Role | None:
        """The role by which a place's account is entered; None where the run's own credentials ask.

        These are the command line's, so what it says of its own role's account outranks the policy's entry.
        """
        access = self._access(place.account)
        own = self.own_role
        if (
            access is None
            or access.role is None
            or (own is not None and own.account == access.account)
        ):
            return None
        arn = access.role
        if not arn.startswith("arn:"):
            arn = f"arn:{place.partition or 'aws'}:iam::{access.account}:role/{access.role}"
        return Role(arn=arn, external_id=access.external_id)

    def _access(self, account: str | None) -> AccountAccess | None:
        return next(
            (
                access
                for access in self.accounts
                if account is not None and access.account == account
            ),
            None,
        )
