"""An API Gateway of a given size with AWS's latency and quota, on a free port.

It is fast enough not to dominate the measurement. Every region has the control plane's quota, 10
requests a second and a burst of 40; further requests get a 429 (`TooManyRequestsException`) after
25 ms. Source: AWS, API Gateway quotas. It prints its port at the start, and its counts of requests,
as JSON, at the end of standard input.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from urllib.parse import parse_qs, urlsplit

LATENCY, REFUSAL = 0.1, 0.025
RATE, BURST = 10.0, 40
YEAR = 365 * 86400
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/")
_IDENTITY = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    b"<GetCallerIdentityResult>"
    b"<Arn>arn:aws:iam::123456789012:user/b</Arn><UserId>b</UserId>"
    b"<Account>123456789012</Account></GetCallerIdentityResult>"
    b"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)


class Bucket:
    """A token bucket that throttles on the server: one token per request."""

    def __init__(self) -> None:
        self.tokens, self.at = float(BURST), time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self.tokens = min(BURST, self.tokens + (now - self.at) * RATE)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class SlowAws:
    """An API Gateway with the same number of certificates and REST APIs in every region.

    Each API has one stage.
    """

    def __init__(self, certificates: int, apis: int) -> None:
        self.certificates, self.apis = certificates, apis
        self.buckets: dict[str, Bucket] = {}
        self.calls: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                if length:
                    await reader.readexactly(int(length[1]))
                status, kind, body = await self.answer(head)
                lines = (
                    f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n"
                )
                writer.write(lines.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answer(self, head: str) -> tuple[int, str, bytes]:
        path = urlsplit(head.split(" ", 2)[1])
        scope = _SCOPE.search(head)
        region, service = (scope[1], scope[2]) if scope else ("", "")
        if service == "sts":
            self.calls["GetCallerIdentity"] += 1
            await asyncio.sleep(LATENCY)
            return 200, "text/xml", _IDENTITY
        operation, document = self.document(path.path, parse_qs(path.query), region)
        self.calls[operation] += 1
        if not self.buckets.setdefault(region, Bucket()).take():
            self.calls["429"] += 1
            await asyncio.sleep(REFUSAL)
            return (
                429,
                "application/json",
                b'{"__type": "TooManyRequestsException", "message": "Too Many Requests"}',
            )
        await asyncio.sleep(LATENCY)
        return 200, "application/json", json.dumps(document).encode()

    def document(self, path: str, query: dict[str, list[str]], region: str) -> tuple[str, object]:
        if path == "/clientcertificates":
            assert int(query["limit"][0]) >= self.certificates, "it would not fit on one page"
            now = time.time()
            items = [
                {
                    "clientCertificateId": identity(region, number),
                    "createdDate": now,
                    "expirationDate": now + YEAR,
                }
                for number in range(self.certificates)
            ]
            return "GetClientCertificates", {"item": items}
        if path == "/restapis":
            return "GetRestApis", {
                "item": [
                    {"id": f"api{number}", "name": f"api {number}"} for number in range(self.apis)
                ]
            }
        if path == "/v2/apis":
            return "GetApis", {"items": []}
        number = int(path.split("/")[2].removeprefix("api"))
        return "GetStages", {
            "item": [
                {
                    "stageName": "prod",
                    "clientCertificateId": identity(region, number % self.certificates),
                }
            ]
        }


def identity(region: str, number: int) -> str:
    """Return the id of a region's certificate, as long as AWS's: six letters and digits."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    code = sum(map(ord, region)) % 1296
    return f"{letters[code // 36]}{letters[code % 36]}{number:04}"


async def main(certificates: int, apis: int) -> None:
    aws = SlowAws(certificates, apis)
    server = await asyncio.start_server(aws.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(aws.calls), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
