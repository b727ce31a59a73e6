"""The connection settings of the command line and the policy: credentials, region, timeout."""

from __future__ import annotations

from dataclasses import dataclass

from checker.model.places import Place, place_of_arn
from checker.model.policy import AccountAccess

DEFAULT_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role to assume, and the external id that its trust policy requires, if any."""

    arn: str
    external_id: str | None = None

    @property
    def account(self) -> str | None:
        """Return the account of the role, from its ARN."""
        return place_of_arn(self.arn).account


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The credentials, the default region and the timeout in seconds.

    The default region is for things that no document places. For a value of None, boto3's default
    chain applies: environment, profile, SSO, web identity, instance. These credentials assume
    `role_arn`, and the resulting ones assume the roles of `accounts`. `timeout` limits all calls
    about one account and region; see `deadline.TimeBudget` for long lists.
    """

    profile: str | None = None
    role_arn: str | None = None
    region: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    accounts: tuple[AccountAccess, ...] = ()

    @property
    def own_role(self) -> Role | None:
        """Return the role of the command line, with the policy's external id for its account."""
        if self.role_arn is None:
            return None
        access = self._access(place_of_arn(self.role_arn).account)
        return Role(
            arn=self.role_arn, external_id=access.external_id if access is not None else None
        )

    def role_for(self, place: Place) -> Role | None:
        """Return the role for the account of a place; None means the run's own credentials.

        For the account of --role-arn, the command line wins over the policy's entry.
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
