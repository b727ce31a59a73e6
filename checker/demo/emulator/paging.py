"""Pages of a list, as API Gateway cuts them: a limit, and a position that goes on after it."""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from checker.demo.emulator.errors import BadRequestError


def page(
    items: Mapping[str, Any], *, limit: str | None, position: str | None
) -> tuple[list[Any], str | None]:
    """The items after a position, in the order of their ids, and the position of what follows; None on the last page.

    A position names the last item that was given, so pages stay right while items come and go. Which order AWS lists in,
    and what it answers to a limit that it does not accept, is not documented; here the latter is a BadRequest.
    Source: botocore's `apigateway` 2015-07-09, "the default value is 25 and the maximum value is 500".
    """
    size = _size(limit)
    after = _last(position)
    following = sorted(key for key in items if key > after)
    shown = following[:size]
    return [items[key] for key in shown], _position(shown[-1]) if len(following) > size else None


def _size(limit: str | None) -> int:
    if limit is None:
        return DEFAULT_LIMIT
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= MAXIMUM_LIMIT:
        raise BadRequestError(
            f"Invalid limit {limit!r}: a whole number from 1 to {MAXIMUM_LIMIT} is expected"
        )
    return int(limit)


def _position(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode("ascii")


def _last(position: str | None) -> str:
    if position is None:
        return ""
    try:
        return b64decode(position.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise BadRequestError(f"Invalid position {position!r}") from error


DEFAULT_LIMIT = 25

MAXIMUM_LIMIT = 500
