"""The errors of API Gateway, with the names and status codes of its API model.

Source: botocore's `apigateway` 2015-07-09, the shapes marked `exception`.
"""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError


class EmulatorError(JsonRESTError):
    """An error of API Gateway: its name in a header and in the body, and a message."""

    status = 400
    name = "BadRequestException"

    def __init__(self, message: str) -> None:
        super().__init__(self.name, message)
        self.code = self.status


class BadRequestError(EmulatorError):
    """The request is not valid for the operation."""


class NotFoundError(EmulatorError):
    """No resource has this id in this account and region."""

    status = 404
    name = "NotFoundException"


class ConflictError(EmulatorError):
    """The request conflicts with another resource."""

    status = 409
    name = "ConflictException"


class LimitExceededError(EmulatorError):
    """A quota of the account and region is exceeded; 429, as for a throttled request."""

    status = 429
    name = "LimitExceededException"
