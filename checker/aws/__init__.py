"""The current certificates and stages in AWS, or why AWS did not answer."""

from checker.aws.connection import Connection
from checker.aws.observe import observe

__all__ = ["Connection", "observe"]
