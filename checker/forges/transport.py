"""HTTP to a forge: requests go to the configured API only, within limits of time and size.

Every request carries the token, so it must not reach another server.
"""

from __future__ import annotations

import io
import ipaddress
import re
import time
from collections.abc import Mapping
from threading import Thread
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from checker.errors import TfcertError, UsageError
from checker.forges.comment import InvalidResponseError
from checker.forges.retry import BusyError

# GitHub ends an API request after 10 seconds ("Rate limits for the REST API"). A self-managed
# GitLab may be slower.
ONE_ANSWER = 15.0
ALL_ANSWERS = 60.0
# A page has at most 100 comments of 64 KiB on GitHub; GitLab's may be longer, but rarely are.
LARGEST = 32 * 1024**2
_PIECE = 64 * 1024
_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)
# A proxy or a web page names another media type than JSON. Source: RFC 9110, "Content-Type".
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}")
# The first match counts: some of these are subclasses of others.
_UNREACHED: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (requests.exceptions.SSLError, urllib3.exceptions.SSLError),
        "its TLS certificate is not accepted",
    ),
    (
        (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError),
        "the proxy cannot be reached",
    ),
    ((requests.exceptions.Timeout, urllib3.exceptions.TimeoutError), "no answer comes in time"),
    (
        (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError),
        "the connection broke off",
    ),
    (
        (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError),
        "its answer cannot be decompressed",
    ),
    ((requests.exceptions.ConnectionError,), "no connection can be made"),
)

Origin = tuple[str, str, int]


# No longer part of an error is of use to a reader.
_LONGEST_MESSAGE = 300


def quoted(text: str, secret: str) -> str:
    """Return an error of a forge for a message: its beginning, without the token.

    A proxy may answer with the request that it got, and logs of pipelines are often public.
    """
    return text.replace(secret, "***")[:_LONGEST_MESSAGE] if secret else text[:_LONGEST_MESSAGE]


class StrayedError(TfcertError):
    """The forge redirects to another host, port or scheme, where its token must not go."""


def unreached(error: Exception) -> str:
    """Return the reason why a forge is unreachable.

    The errors' own messages are not used: they may contain addresses with passwords.
    """
    return next(
        (reason for kinds, reason in _UNREACHED if isinstance(error, kinds)), "the request failed"
    )


def check_address(address: str, *, variable: str) -> str:
    """Return the address of an API, without a slash at its end.

    Raises UsageError for an address that is not plain http or https: with spaces, a user, a query,
    or another scheme. The message does not contain the address, since that may contain a password.
    """
    reason = _fault(address)
    if reason is not None:
        raise UsageError(
            f"is not the address of an API: {reason}",
            where=variable,
            remedy="write https://HOST/PATH",
        )
    return address.rstrip("/")


def _fault(address: str) -> str | None:
    if not address.isascii() or any(
        char <= " " or char == "\x7f" or char in '<>"\\^`{|}' for char in address
    ):
        return "it has a space, or a character that an address cannot have"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("http:")
    faults = {
        "it begins neither with https:// nor with http://": parts.scheme not in _PORTS,
        "it has a user or a password in it": "@" in parts.netloc,
        "its host or port cannot be read": port == 0
        or not _is_host(host, bracketed="[" in parts.netloc),
        "it has a query or a fragment": "?" in address or "#" in address,
    }
    return next((reason for reason, is_so in faults.items() if is_so), None)


def _is_host(host: str, *, bracketed: bool) -> bool:
    if not bracketed:
        return _HOST.fullmatch(host) is not None and len(host) <= 253
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def origin_of(address: str) -> Origin:
    """Return scheme, host and port. Raises ValueError if one is missing."""
    parts = urlsplit(address)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower().rstrip(".")
    if scheme not in _PORTS:
        raise ValueError("another scheme")
    return scheme, host, parts.port or _PORTS[scheme]


class BoundedAdapter(HTTPAdapter):
    """An HTTP adapter for one origin, with a time limit per request and a size limit per answer."""

    def __init__(
        self, address: str, *, name: str, variable: str, seconds: float = ALL_ANSWERS
    ) -> None:
        """Allow requests to the origin of `address` only.

        `variable` is the environment variable that contains the API's address. `seconds` is the
        time limit for all answers together.
        """
        super().__init__(max_retries=0)
        self._variable = variable
        self._origin = origin_of(address)
        self._name = name
        self._all = self._left = seconds
        self._redirects = 0

    def send(  # noqa: D102 -- overrides HTTPAdapter's
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 -- the whole answer is always read
        timeout: Any = None,  # noqa: ARG002 -- this class has its own limits
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        self._refuse_strays(request, request.url or "")
        more: dict[str, Any] = {"verify": verify, "cert": cert, "proxies": proxies}
        response = self._in_time(request, more)
        self._follow(request, response)
        self._refuse_pages(response)
        if response.status_code == 202 and request.method == "GET":
            # GitHub's client would retry for as long as this header asks.
            raise BusyError(f"{self._name} has not computed the answer yet (202)")
        return response

    def _in_time(
        self, request: requests.PreparedRequest, more: Mapping[str, Any]
    ) -> requests.Response:
        """Send the request in a thread, and abandon the thread after the time limit.

        A server may send one byte now and then, which never triggers a read timeout.
        """
        if self._left <= 0:
            raise TfcertError(
                f"{self._name} took more than {self._all:.0f} seconds in all",
                remedy="try again later",
            )
        seconds = min(ONE_ANSWER, self._left)
        found: list[requests.Response | Exception] = []

        def work() -> None:
            try:
                found.append(self._whole(request, seconds, more))
            except (OSError, HTTPError, ValueError, RuntimeError, TfcertError, BusyError) as error:
                found.append(error)

        began = time.monotonic()
        thread = Thread(target=work, daemon=True)
        thread.start()
        thread.join(seconds)
        self._left -= time.monotonic() - began
        if not found:
            raise BusyError(f"{self._name} does not answer within {seconds:.0f} seconds")
        (answer,) = found
        if isinstance(answer, HTTPError):
            raise BusyError(f"{self._name} is not reached: {unreached(answer)}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _whole(
        self, request: requests.PreparedRequest, seconds: float, more: Mapping[str, Any]
    ) -> requests.Response:
        response = super().send(request, stream=True, timeout=seconds, **more)
        body = bytearray()
        for piece in response.raw.stream(_PIECE, decode_content=True):
            body += piece
            if len(body) > LARGEST:
                response.close()
                raise InvalidResponseError(
                    f"{self._name} answers with more than {LARGEST // 1024**2} MiB"
                )
        response.raw.release_conn()
        response.raw = io.BytesIO(body)
        return response

    def _refuse_pages(self, response: requests.Response) -> None:
        """Raise InvalidResponseError for a success that is not JSON, for example a sign-in page."""
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if (
            not response.ok
            or response.is_redirect
            or not response.content
            or "json" in media_type
            or not media_type
        ):
            return
        shown = media_type if _MEDIA_TYPE.fullmatch(media_type) else "another media type"
        raise InvalidResponseError(
            f"{self._name} answers with {shown}, and its API answers with JSON",
            remedy=f"check that {self._variable} is the address of its REST API, and that no "
            "proxy or sign-in page answers",
        )

    def _follow(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        """Allow some redirects within the same origin; the clients follow them."""
        self._redirects = self._redirects + 1 if response.is_redirect else 0
        if response.is_redirect:
            self._refuse_strays(request, urljoin(response.url, response.headers["location"]))
        if self._redirects > _REDIRECTS:
            raise InvalidResponseError(f"{self._name} redirects without an end")

    def _refuse_strays(self, request: requests.PreparedRequest, address: str) -> None:
        what = (
            f"{self._name} redirects from {_shown(self._origin)} "
            f"({request.method} {urlsplit(request.url or '').path})"
        )
        try:
            origin = origin_of(address)
        except ValueError as error:
            raise StrayedError(
                f"{what} to an address that is neither http nor https",
                remedy=f"check that {self._variable} is the address of its REST API; the token "
                "was not sent there",
            ) from error
        if origin != self._origin:
            raise StrayedError(
                f"{what} to {_shown(origin)}, which is refused",
                remedy=f"if that server has the API, set {self._variable} to its address; "
                "the token was not sent there",
            )


def _shown(origin: Origin) -> str:
    scheme, host, port = origin
    return f"{scheme}://{f'[{host}]' if ':' in host else host}" + (
        "" if port == _PORTS[scheme] else f":{port}"
    )
