"""Pages of a list in API Gateway's form: a limit, and the position of the last item."""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from checker.demo.emulator.errors import BadRequestError


def page(
    items: Mapping[str, Any], *, limit: str | None, position: str | None
) -> tuple[list[Any], str | None]:
    """Return the items after a position, ordered by id, and the position of the next page.

    The next position is None on the last page. A position is the id of the last returned item, so
    pages stay correct while items are added and deleted. AWS does not document its order, nor its
    answer to an invalid limit; the emulator answers with a BadRequest. Source: botocore's
    `apigateway` 2015-07-09, "the default value is 25 and the maximum value is 500".
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
