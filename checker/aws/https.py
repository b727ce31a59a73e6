"""Fetch a file over HTTPS: verified TLS, one host, no credentials, limits of time and size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from checker.aws.deadline import OverdueError, TimeBudget, start_thread, wait_for_result
from checker.errors import UnreadableError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

SECONDS = 30.0
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_PIECE = 64 * 1024
_PORT = 443


def shown(url: str) -> str:
    """Return an address for reports: without a query or fragment, which may contain a token."""
    return url.partition("#")[0].partition("?")[0]


def fetch_https(url: str, *, most: int, seconds: float = SECONDS) -> bytes:
    """Read a file of an `https://` URL.

    The server's certificate must be valid for the operating system, or for SSL_CERT_FILE. A proxy
    of HTTPS_PROXY is used. Redirects within the host are followed. Raises UnreadableError with the
    address, without its query, in `where`.
    """
    address = urlsplit(url)
    if "@" in address.netloc:
        raise UnreadableError(
            "an address with a user or a password is refused",
            where="an https:// URL",
            remedy="name an address that needs no password, or pass a file",
        )
    if not address.hostname:
        raise UnreadableError("names no host", where=shown(url), remedy="write https://HOST/PATH")
    # The socket's timeouts are not enough: a server that sends a byte now and then has no end.
    try:
        return wait_for_result(
            TimeBudget(seconds), start_thread(lambda: _read(url, most=most, seconds=seconds))
        )
    except OverdueError:
        raise _failed(url, f"did not arrive within {seconds:g} seconds") from None


def _read(url: str, *, most: int, seconds: float) -> bytes:
    from urllib3.exceptions import HTTPError

    try:
        return _followed(url, most=most, seconds=seconds)
    except HTTPError as error:
        raise _failed(url, _reason(error)) from None
    except (OSError, ValueError):
        raise _failed(url, "cannot be fetched") from None


def _followed(url: str, *, most: int, seconds: float) -> bytes:
    address = url
    for _ in range(_REDIRECTS + 1):
        response = _get(address, seconds)
        if response.status not in _MOVED:
            break
        response.close()
        address = urljoin(address, response.headers.get("Location", ""))
        if _origin(urlsplit(address)) != _origin(urlsplit(url)):
            raise UnreadableError(
                "redirects to another address, which is refused",
                where=shown(url),
                remedy="name the address that has the file itself",
            )
    else:
        raise _failed(url, "redirects without an end")
    if response.status != 200:
        response.close()
        raise _failed(url, f"was answered with HTTP {response.status}")
    return b"".join(_pieces(response, url, most))


def _pieces(response: BaseHTTPResponse, url: str, most: int) -> Iterator[bytes]:
    left = most
    for piece in response.stream(_PIECE, decode_content=False):
        left -= len(piece)
        if left < 0:
            response.close()
            raise UnreadableError(
                f"is larger than {most // 1024**2} MiB",
                where=shown(url),
                remedy="name the file with the certificates alone",
            )
        yield piece


def _get(url: str, seconds: float) -> BaseHTTPResponse:
    import urllib3

    response: BaseHTTPResponse = _pool(urlsplit(url).hostname or "").request(
        "GET",
        url,
        preload_content=False,
        redirect=False,
        retries=False,
        timeout=urllib3.Timeout(connect=seconds / 2, read=seconds / 2),
        headers={"User-Agent": "tfcert", "Accept-Encoding": "identity"},
    )
    return response


def _pool(host: str) -> Any:
    """Return the connections to a host, through the proxy that the environment names for it."""
    import ssl
    from base64 import b64encode
    from urllib.parse import unquote_to_bytes
    from urllib.request import getproxies, proxy_bypass

    import urllib3
    from urllib3.util import parse_url

    context = ssl.create_default_context()
    proxy = None if proxy_bypass(host) else getproxies().get("https")
    if not proxy:
        return urllib3.PoolManager(ssl_context=context)
    named = parse_url(proxy)
    # As in curl, signs in the user and the password may be percent-encoded.
    auth = b64encode(unquote_to_bytes(named.auth)).decode("ascii") if named.auth else ""
    headers = {"proxy-authorization": f"Basic {auth}"} if auth else {}
    return urllib3.ProxyManager(proxy, ssl_context=context, proxy_headers=headers)


def _origin(address: SplitResult) -> tuple[str, str | None, int]:
    return address.scheme, address.hostname, address.port or _PORT


def _reason(error: Exception) -> str:
    """Return the reason in words; the error's own text may contain an address with a token."""
    from urllib3 import exceptions

    meanings: tuple[tuple[type[Exception], str], ...] = (
        (exceptions.SSLError, "is on a server whose TLS certificate is not accepted"),
        (exceptions.ProxyError, "is behind a proxy that cannot be reached"),
        (exceptions.TimeoutError, "did not arrive in time"),
        (exceptions.NewConnectionError, "is on a server that cannot be reached"),
    )
    return next((why for kind, why in meanings if isinstance(error, kind)), "cannot be fetched")


def _failed(url: str, reason: str) -> UnreadableError:
    return UnreadableError(
        reason,
        where=shown(url),
        remedy="check the address and the network (HTTPS_PROXY, SSL_CERT_FILE), or pass a file "
        "with --trust-file",
    )
