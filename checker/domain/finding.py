"""What a rule says about a stage, a certificate or a plan."""

from __future__ import annotations

from checker.domain.location import Location
from checker.domain.severity import Severity
from checker.domain.value import value


@value
class Finding:
    """One thing that is wrong, about to be, or not known; `address` is the text of a Terraform address.

    `source` is the path of the document that it is about; None where it is about AWS as a whole.
    """

    rule: str
    severity: Severity
    message: str
    remedy: str
    address: str | None = None
    certificate_id: str | None = None
    days_left: int | None = None
    location: Location | None = None
    suppression: str | None = None
    source: str | None = None

    @property
    def order(self) -> tuple[int, int, str, str, str, str]:
        """By severity, then days left (the unknown last), address and rule: the same input gives the same bytes."""
        days = self.days_left if self.days_left is not None else 10**9
        return (self.severity, days, self.address or "", self.rule, self.message, self.source or "")
