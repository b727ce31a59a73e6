"""AWS: what it says about certificates and stages now, or why it does not say."""

from checker.live.connection import Connection
from checker.live.observe import observe

__all__ = ["Connection", "observe"]
