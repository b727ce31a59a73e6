"""A stand-in for S3 with one bucket, whose answers a test replaces."""

from __future__ import annotations

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from states import LATER, due, state

COUNT = 40
# Listings of Azure leave the quotes of an ETag out.
QUOTE = '"'


def tag(body):
    """Return the ETag of an object."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


class Bucket:
    """A bucket with forty states; `answer` may replace the answer for a key.

    `callers` are the access keys that signed the requests for objects.
    """

    def __init__(self):
        self.objects = {
            f"p/{number:02d}.tfstate": state(due(number, LATER)).encode() for number in range(COUNT)
        }
        self.answer = lambda _: None
        self.asked = 0
        self.read = []
        self.callers = set()
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                """Answer with the region of the bucket."""
                self.send(200, b"")

            def do_GET(self):
                """Answer with a listing or an object."""
                parts = urlsplit(self.path)
                key = unquote(parts.path).partition("/fleet")[2].lstrip("/")
                bucket.asked += 1
                bucket.note(key, self.headers["Authorization"] or "")
                replaced = bucket.answer(key)
                if replaced is not None:
                    self.send(*replaced)
                elif key:
                    found = bucket.objects.get(key)
                    self.send(*((200, found) if found is not None else error(404, "NoSuchKey")))
                else:
                    self.send(200, bucket.page(parse_qs(parts.query)))

            def do_PUT(self):
                """Take an object."""
                key = unquote(self.path).partition("?")[0].partition("/fleet/")[2]
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send(*bucket.take(key, body))

            def send(self, code, body):
                """Send an answer."""
                self.send_response(code)
                for name, text in (
                    ("Content-Length", str(len(body))),
                    ("ETag", tag(body)),
                    ("Last-Modified", "Wed, 25 Nov 2026 00:00:00 GMT"),
                    ("x-amz-bucket-region", "us-east-1"),
                ):
                    self.send_header(name, text)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_):
                """Suppress the log."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def note(self, key, authorization):
        """Note who read which object."""
        if key:
            self.read.append(key)
            signed = re.search(r"Credential=(\w+)/", authorization)
            self.callers.add(signed[1] if signed else "")

    def take(self, key, body):
        """Keep an object, and return the answer."""
        replaced = self.answer(key)
        if replaced is None:
            self.objects[key] = body
        return replaced or (200, b"")

    def page(self, query):
        """Return a page of ten keys."""
        prefix, start = query["prefix"][0], int(query.get("continuation-token", ["0"])[0])
        keys = [key for key in sorted(self.objects) if key.startswith(prefix)]
        more = start + 10 < len(keys)
        token = f"<NextContinuationToken>{start + 10}</NextContinuationToken>" if more else ""
        entries = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(self.objects[key])}</Size>"
            f"<ETag>{escape(tag(self.objects[key]).strip(QUOTE))}</ETag>"
            "<LastModified>2026-11-25T00:00:00.000Z</LastModified></Contents>"
            for key in keys[start : start + 10]
        )
        return (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}"
            "</ListBucketResult>"
        ).encode()


def error(code, word):
    """Return an error answer of S3."""
    return code, f"<Error><Code>{word}</Code><Message>m</Message></Error>".encode()
