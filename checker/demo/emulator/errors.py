"""The errors that API Gateway answers with, as its model names and numbers them.

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
    """The request is not one that the operation can serve."""


class NotFoundError(EmulatorError):
    """Nothing has that id in this account and region."""

    status = 404
    name = "NotFoundException"


class ConflictError(EmulatorError):
    """Something else stands in the way."""

    status = 409
    name = "ConflictException"


class LimitExceededError(EmulatorError):
    """A quota of the account and region is used up; 429, as a throttled request is."""

    status = 429
    name = "LimitExceededException"
