"""HTTP to a forge: only to the API that was named, since every request carries the token, and never without bounds."""

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

# GitHub ends a request of its API after 10 seconds ("Rate limits for the REST API"); a GitLab of one's own may be slower.
ONE_ANSWER = 15.0
ALL_ANSWERS = 60.0
# A page has at most 100 comments of 64 KiB on GitHub; GitLab's may be longer, and hardly ever are.
LARGEST = 32 * 1024**2
_PIECE = 64 * 1024
_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)
# Who names another media type than JSON is a proxy or a page for people. Source: RFC 9110, "Content-Type".
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}")
# The first that fits: some of these are kinds of others.
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


class StrayedError(TfcertError):
    """The forge points to another host, port or scheme, where its token must not go."""


def unreached(error: Exception) -> str:
    """Return why a forge could not be asked, in words: the errors' own texts may hold addresses with passwords."""
    return next(
        (reason for kinds, reason in _UNREACHED if isinstance(error, kinds)), "the request failed"
    )


def check_address(address: str, *, variable: str) -> str:
    """Return the address of an API, without a slash at its end.

    Raises UsageError for one that is no plain http or https address: with spaces, a user, a query, or another scheme. The
    address itself is not in the message, since it may hold a password.
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
        return "it has a space, or a character that no address has"
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
    """Return scheme, host and port. Raises ValueError for what has none."""
    parts = urlsplit(address)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower().rstrip(".")
    if scheme not in _PORTS:
        raise ValueError("another scheme")
    return scheme, host, parts.port or _PORTS[scheme]


class BoundedAdapter(HTTPAdapter):
    """Sends requests to one origin, each and all of them within some seconds, and reads answers up to a size."""

    def __init__(self, address: str, *, name: str, variable: str) -> None:
        """Send to the origin of `address` alone; `variable` names the environment variable that holds the API's address."""
        super().__init__(max_retries=0)
        self._variable = variable
        self._origin = origin_of(address)
        self._name = name
        self._left = ALL_ANSWERS
        self._redirects = 0

    def send(  # noqa: D102 -- HTTPAdapter's own
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 -- an answer is always read whole, within bounds
        timeout: Any = None,  # noqa: ARG002 -- the bounds are this class's own
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
            # GitHub's client would ask again for as long as it is told so.
            raise BusyError(f"{self._name} has not worked it out yet (202)")
        return response

    def _in_time(
        self, request: requests.PreparedRequest, more: Mapping[str, Any]
    ) -> requests.Response:
        """Send, in a thread that is left alone where it takes too long: a server may send a byte now and then for ever."""
        if self._left <= 0:
            raise TfcertError(
                f"{self._name} took more than {ALL_ANSWERS:.0f} seconds in all",
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
        held = bytearray()
        for piece in response.raw.stream(_PIECE, decode_content=True):
            held += piece
            if len(held) > LARGEST:
                response.close()
                raise InvalidResponseError(
                    f"{self._name} answers with more than {LARGEST // 1024**2} MiB"
                )
        response.raw.release_conn()
        response.raw = io.BytesIO(held)
        return response

    def _refuse_pages(self, response: requests.Response) -> None:
        """Raise OddAnswerError for a success that says of itself that it is no JSON, as a page to sign in."""
        said = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if (
            not response.ok
            or response.is_redirect
            or not response.content
            or "json" in said
            or not said
        ):
            return
        shown = said if _MEDIA_TYPE.fullmatch(said) else "another media type"
        raise InvalidResponseError(
            f"{self._name} answers with {shown}, and its API answers with JSON",
            remedy=f"is {self._variable} the address of its REST API, and does no proxy or sign-in page answer instead?",
        )

    def _follow(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        """Let a redirect pass that stays where it is, some times; the clients follow it themselves."""
        self._redirects = self._redirects + 1 if response.is_redirect else 0
        if response.is_redirect:
            self._refuse_strays(request, urljoin(response.url, response.headers["location"]))
        if self._redirects > _REDIRECTS:
            raise InvalidResponseError(f"{self._name} redirects without an end")

    def _refuse_strays(self, request: requests.PreparedRequest, address: str) -> None:
        what = f"{self._name} redirects from {_shown(self._origin)} ({request.method} {urlsplit(request.url or '').path})"
        try:
            origin = origin_of(address)
        except ValueError as error:
            raise StrayedError(
                f"{what} to no http or https address, which is refused",
                remedy=f"is {self._variable} the address of its REST API? The token was not sent there",
            ) from error
        if origin != self._origin:
            raise StrayedError(
                f"{what} to {_shown(origin)}, which is refused",
                remedy=f"if that server has the API, set {self._variable} to its address; the token was not sent there",
            )


def _shown(origin: Origin) -> str:
    scheme, host, port = origin
    return f"{scheme}://{f'[{host}]' if ':' in host else host}" + (
        "" if port == _PORTS[scheme] else f":{port}"
    )
