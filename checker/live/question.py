"""One question to AWS, in the words that errors describe it with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An operation of AWS in a region, and the host that is asked in AWS's place (AWS_ENDPOINT_URL), if any."""

    operation: str
    region: str
    endpoint: str | None = None

    def __str__(self) -> str:
        at = f" (endpoint {self.endpoint})" if self.endpoint else ""
        return f"{self.operation} in region {self.region}{at}"
