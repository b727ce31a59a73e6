"""A loopback S3 with a latency: it lists and reads, in a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Mapping
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 1000


class SlowS3:
    """Serve objects of any bucket at `address`; every answer waits for the latency first."""

    def __init__(self, objects: Mapping[str, bytes], latency: float) -> None:
        self._objects = objects
        self._latency = latency

    def __enter__(self) -> Self:
        """Start the server."""
        ours, theirs = multiprocessing.Pipe()
        # Forked, so that the objects are not copied.
        context = multiprocessing.get_context("fork")
        self._process = context.Process(
            target=_serve, args=(self._objects, self._latency, theirs), daemon=True
        )
        self._process.start()
        self.address = f"http://127.0.0.1:{ours.recv()}"
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._process.kill()
        self._process.join()


def _serve(objects: Mapping[str, bytes], latency: float, pipe) -> None:
    keys = sorted(objects)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                _, target, _ = head.split(b" ", 2)
                await asyncio.sleep(latency)
                parts = urlsplit(target.decode())
                _, _, key = unquote(parts.path).lstrip("/").partition("/")
                query = parse_qs(parts.query)
                body = _list(keys, objects, query) if not key else objects.get(key)
                status = "200 OK" if body is not None else "404 Not Found"
                data = b"" if head.startswith(b"HEAD") or body is None else body
                writer.write(
                    f'HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\nETag: "x"\r\n'
                    "Last-Modified: Wed, 25 Nov 2026 00:00:00 GMT\r\n"
                    "x-amz-bucket-region: us-east-1\r\n\r\n".encode()
                )
                writer.write(data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def _list(keys: list[str], objects: Mapping[str, bytes], query: dict[str, list[str]]) -> bytes:
    prefix = query.get("prefix", [""])[0]
    start = int(query.get("continuation-token", ["0"])[0])
    found = [key for key in keys if key.startswith(prefix)]
    page = found[start : start + PAGE]
    more = start + PAGE < len(found)
    token = f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>" if more else ""
    entries = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{len(objects[key])}</Size>"
        "<LastModified>2026-11-25T00:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
        for key in page
    )
    return (
        f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}"
        "</ListBucketResult>"
    ).encode()
