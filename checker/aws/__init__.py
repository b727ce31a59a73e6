"""AWS: what it says about certificates and stages now, or why it does not say."""

from checker.aws.connection import Connection
from checker.aws.observe import observe

__all__ = ["Connection", "observe"]
