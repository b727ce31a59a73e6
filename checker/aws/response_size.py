"""The maximum size of AWS responses: an endless response must not fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checker.aws.gateway import UnreachableError

# A page of 500 certificates with their PEMs has about 1 MB.
LARGEST = 32 * 1024**2
_PIECE = 64 * 1024


class _Read:
    """The body of a response that was read, with botocore's interface."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Iterator[bytes]:
        yield self._data


class _Bounded:
    """The HTTP session of a client, with a maximum size of responses.

    A body that the caller streams has no maximum here.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: Any) -> Any:
        streamed = request.stream_output
        request.stream_output = True
        response = self._session.send(request)
        if not streamed:
            response.raw = _Read(_whole(response.raw, request.url))
        return response

    def close(self) -> None:
        self._session.close()


def bound(client: Any) -> None:
    """Limit the size of the responses of a boto3 client."""
    endpoint = client._endpoint  # noqa: SLF001 -- boto3 has no public access to it
    endpoint.http_session = _Bounded(endpoint.http_session)


def _whole(raw: Any, url: str) -> bytes:
    from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
    from urllib3.exceptions import ProtocolError
    from urllib3.exceptions import ReadTimeoutError as SlowError

    body = bytearray()
    try:
        for piece in raw.stream(_PIECE):
            body += piece
            if len(body) > LARGEST:
                raw.close()
                raise UnreachableError(
                    f"the answer has more than {LARGEST // 1024**2} MiB, "
                    "and no answer of AWS is as large",
                    "check the proxy settings and AWS_ENDPOINT_URL",
                )
    except SlowError as error:
        raise ReadTimeoutError(endpoint_url=url, error=error) from error
    except ProtocolError as error:
        raise ConnectionClosedError(endpoint_url=url, error=error) from error
    return bytes(body)
