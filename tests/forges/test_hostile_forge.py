"""Tests of a forge or a proxy that sends arbitrary answers.

The error is one line with exit code 2, comes soon, and never shows the token.
"""

from __future__ import annotations

import json
import re
import resource
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from documents import due
from msgspec.structs import replace
from strict_server import Answer, Fault

from checker.errors import TfcertError, UsageError
from checker.forges import transport
from checker.forges.comment import Behavior, CommentAction, Marker, Post, update_comment
from checker.forges.rest import ForgeNames, RestClient
from checker.forges.retry import whole_seconds
from checker.forges.transport import check_address

SECRET = "token-that-stays"


class Hostile(ThreadingHTTPServer):
    """A server that answers each request by a function of its path.

    `heard` has the requests with their headers.
    """

    daemon_threads = True

    def __init__(self, answer):
        self.answer = answer
        self.heard = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """Ignore errors: in these tests the client closes its connection early."""


class Handler(BaseHTTPRequestHandler):
    def _any(self):
        self.server.heard.append((self.path, dict(self.headers)))
        with suppress(OSError):
            self.server.answer(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 -- the names that http.server calls

    def log_message(self, *_):
        """Log nothing."""

    def say(self, status, body=b"", **headers):
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def hostile():
    """Yield a function that starts a server with its own answer."""
    running = []

    def start(answer):
        server = Hostile(answer)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def comment(tfcert, tmp_path):
    """Return a function that runs `tfcert comment` against an address."""

    def run(forge, address):
        (tmp_path / "outcome.json").write_text(json.dumps(due()))
        environment = {
            "github": {
                "GITHUB_API_URL": address,
                "GITHUB_TOKEN": SECRET,
                "GITHUB_REPOSITORY": "a/b",
                "GITHUB_REF": "refs/pull/7/merge",
            },
            "gitlab": {
                "CI_API_V4_URL": address,
                "GITLAB_TOKEN": SECRET,
                "CI_PROJECT_ID": "42",
                "CI_MERGE_REQUEST_IID": "7",
            },
            "azure": {
                "SYSTEM_COLLECTIONURI": address,
                "SYSTEM_ACCESSTOKEN": SECRET,
                "SYSTEM_TEAMPROJECT": "a",
                "BUILD_REPOSITORY_NAME": "b",
                "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
            },
            "bitbucket": {
                "BITBUCKET_API_URL": address,
                "BITBUCKET_TOKEN": SECRET,
                "BITBUCKET_REPO_FULL_NAME": "a/b",
                "BITBUCKET_PR_ID": "7",
            },
        }[forge]
        began = time.monotonic()
        done = tfcert("comment", forge, "outcome.json", cwd=tmp_path, environment=environment)
        return done, time.monotonic() - began

    return run


FORGES = pytest.mark.parametrize("forge", ["github", "gitlab", "azure", "bitbucket"])


def refused(done):
    assert done.returncode == 2, done.stderr
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1, done.stderr
    assert done.stderr.startswith(b"tfcert: error: ")
    assert SECRET.encode() not in done.stderr
    return done.stderr.decode()


@FORGES
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_token_follows_no_redirect_to_another_place(hostile, comment, forge, status):
    """The token is not sent along a redirect to another host or port."""
    elsewhere = hostile(lambda request: request.say(200, b"[]"))
    server = hostile(lambda request: request.say(status, Location=f"{elsewhere.url}{request.path}"))
    said = refused(comment(forge, server.url)[0])
    assert "redirects from" in said
    assert "the token was not sent there" in said
    assert elsewhere.heard == []
    assert server.heard


@FORGES
@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "http://[::1", "//evil.example/x", "https:", "http://127.0.0.1:99999/"],
)
def test_a_redirect_to_what_is_no_place_is_refused(hostile, comment, forge, location):
    """A redirect to another scheme, another host or an invalid address is refused."""
    server = hostile(lambda request: request.say(302, Location=location))
    refused(comment(forge, server.url)[0])


@FORGES
def test_a_refused_redirect_says_what_where_and_what_to_do(hostile, comment, forge):
    """The error for a refused redirect names the request without its query, both servers, and the
    variable to set.
    """
    server = hostile(
        lambda request: request.say(302, Location="https://login.example/sign-in?back=x")
    )
    said = refused(comment(forge, server.url)[0])
    variable = {
        "github": "GITHUB_API_URL",
        "gitlab": "CI_API_V4_URL",
        "azure": "SYSTEM_COLLECTIONURI",
        "bitbucket": "BITBUCKET_API_URL",
    }[forge]
    assert f"redirects from {server.url} (GET /" in said
    assert "to https://login.example, which is refused" in said
    assert f"set {variable} to its address" in said
    assert "?" not in said


@FORGES
@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        (
            "text/html; charset=utf-8",
            b"<html>sign in</html>",
            "answers with text/html, and its API answers with JSON",
        ),
        ("text/html", b"[]", "answers with text/html, and its API answers with JSON"),
        ("x\x1b[31m", b"[]", "answers with another media type"),
        ("application/json", b"<html>", "not JSON|value"),
        ("application/json", b'{"a": 1}', "does not fit its API: a|not JSON"),
    ],
)
def test_a_wrong_answer_is_said_in_words(hostile, comment, forge, kind, body, reason):
    """The error for an invalid answer names its media type or what is wrong with a value, and no
    Python error.
    """
    server = hostile(lambda request: request.say(200, body, **{"Content-Type": kind}))
    said = refused(comment(forge, server.url)[0])
    assert any(part in said for part in reason.split("|")), said
    assert not re.search(r"[A-Z][a-z]+(?:Error|Exception)", said), said


@FORGES
def test_a_forge_that_is_not_there_is_said_in_words(comment, forge):
    """The error for an address without a server states that no connection can be made."""
    said = refused(comment(forge, "http://127.0.0.1:9")[0])
    assert "cannot be reached: no connection can be made" in said


ANSWERS = {
    "a redirect to itself": lambda request: request.say(301, Location=request.path + "x"),
    "deep": lambda request: request.say(
        200, b"[" * 200_000 + b"]" * 200_000, **{"Content-Type": "application/json"}
    ),
    "a number": lambda request: request.say(200, b"7", **{"Content-Type": "application/json"}),
    "wrong types": lambda request: request.say(
        200,
        b'[{"id":"x","body":7,"user":3,"author":[],"node_id":{}}]',
        **{"Content-Type": "application/json"},
    ),
    "no text": lambda request: request.say(
        200, b"\xff\xfe\x00", **{"Content-Type": "application/json"}
    ),
    "the same page": lambda request: request.say(
        200,
        json.dumps(
            [
                {"id": number, "body": "x", "system": False, "user": {}, "author": {"id": 1}}
                for number in range(100)
            ]
        ).encode(),
        **{"Content-Type": "application/json"},
    ),
    "a huge one": lambda request: (
        request.send_response(200),
        request.end_headers(),
        [request.wfile.write(b" " * 1024**2) for _ in range(4096)],
    ),
    "a bomb": lambda request: request.say(
        200, BOMB, **{"Content-Encoding": "gzip", "Content-Type": "application/json"}
    ),
}


def bomb():
    import gzip

    return gzip.compress(b" " * 200 * 1024**2)


BOMB = bomb()


@FORGES
@pytest.mark.parametrize("name", ANSWERS)
def test_an_odd_answer_is_one_line(hostile, comment, forge, name):
    """Each odd answer is refused with one line, in less than 40 seconds and in bounded memory."""
    server = hostile(ANSWERS[name])
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done, seconds = comment(forge, server.url)
    refused(done)
    assert seconds < 40
    # A child starts as a copy of this process, which other tests have made large.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + 64 * 1024
    assert max(before, own, 400 * 1024) >= resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


@FORGES
def test_an_error_that_repeats_the_request_shows_no_token_and_is_short(hostile, comment, forge):
    """A proxy's error with the headers of the request, and much more, is a short line."""
    server = hostile(
        lambda request: request.say(
            422,
            json.dumps({"message": f"{dict(request.headers)} {'x' * 100_000}"}).encode(),
            **{"Content-Type": "application/json"},
        )
    )
    done, _ = comment(forge, server.url)
    assert "Accept" in refused(done)
    assert len(done.stderr) < 1000
    (_, headers), *_ = server.heard
    sent = headers.get("Authorization") or headers["PRIVATE-TOKEN"]
    assert sent.split()[-1] not in done.stderr.decode()


@pytest.mark.parametrize("status", [200, 422])
def test_a_number_of_thousands_of_digits_is_one_error_of_propose(hostile, status):
    """The client of `propose` refuses a number that Python does not read, also in an error."""
    names = ForgeNames(forge="GitLab", address="CI_API_V4_URL", token="GITLAB_TOKEN", remedy="")
    answer = {"Content-Type": "application/json"}
    server = hostile(lambda request: request.say(status, b'{"id": ' + b"9" * 5000 + b"}", **answer))
    client = RestClient(server.url, authorization=SECRET, names=names, where="a/b")
    with pytest.raises(TfcertError):
        client.send("GET", "/user")


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_limit_that_ends_in_thousands_of_digits_is_one_line(hostile, comment, forge):
    """Headers with numbers that Python does not read are refused in one line."""
    end = "9" * 5000
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": end, "RateLimit-Reset": end}
    done, _ = comment(forge, hostile(lambda request: request.say(429, b"{}", **limit)).url)
    refused(done)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("", None),
        ("-1", None),
        ("²", None),
        ("٣", None),
        ("9" * 5000, 10**15 - 1),
    ],
)
def test_a_pause_is_a_number_of_digits(header, seconds):
    """A pause is read from ASCII digits; a longer one than any is still a number."""
    assert whole_seconds(header) == seconds


@pytest.mark.parametrize("answer", ["202", "a byte now and then", "nothing"])
def test_a_forge_that_never_answers_is_left(hostile, forge, monkeypatch, answer):
    """`tfcert comment` gives up on a forge that always answers 202, sends single bytes, or sends
    nothing.
    """
    monkeypatch.setattr(transport, "ONE_ANSWER", 0.3)
    monkeypatch.setattr(transport, "ALL_ANSWERS", 2.0)

    def slowly(request):
        request.send_response(200)
        request.end_headers()
        for _ in range(100):
            request.wfile.write(b" ")
            time.sleep(0.1)

    answers = {
        "202": lambda request: request.say(202, b"{}"),
        "nothing": lambda _: time.sleep(5),
        "a byte now and then": slowly,
    }
    server = hostile(answers[answer])
    rig = type(forge)(name=forge.name, server=server, repository=forge.repository)
    began = time.monotonic()
    with pytest.raises(TfcertError, match=r"5 times|more than 2 seconds in all"):
        update_comment(rig.conversation(), Post(text="x", marker=MARKER), Behavior.UPDATE)
    assert time.monotonic() - began < 5


MARKER = Marker(key="default", repository="a/b", at=datetime(2026, 11, 23, tzinfo=UTC), run=5)


@pytest.mark.parametrize(
    "address",
    [
        "https://host with space/api", "https://user:hunter2@host/api", "https://@host", "file:///etc/passwd", "ftp://host", "host/api",
        "//host/api", "", "https://", "https://[::1", "https://[zz]/api", "https://[1.2.3.4]", "https://host:port/", "https://host:99999",
        "https://host:0", "https://host/api?x=1", "https://host/#x", "https://h\u00f6st/", "https://host\n", "\thttps://host", "https://-/",
        "https://a..b/", "javascript:alert(1)", "https://host\\@evil.example/", "HTTPS:host",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_before_anything_is_sent(address):
    """An invalid address is refused before any request, and the error does not repeat a password in
    it.
    """
    with pytest.raises(UsageError, match="is not the address of an API") as raised:
        check_address(address, variable="CI_API_V4_URL")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://api.github.com",
        "http://localhost:3000/api/v3/",
        "https://[::1]:8443/api/v4",
        "HTTPS://Host",
    ],
)
def test_an_address_that_is_one_is_taken(address):
    """Addresses with a port, a path, an IPv6 host or capital letters are accepted."""
    assert check_address(address, variable="X") == address.rstrip("/")


@FORGES
def test_by_the_command_line_an_address_that_is_none_is_one_line(comment, forge):
    """On the command line an invalid address is one line with exit code 2, without its password."""
    for address in ("https://user:hunter2@host/api/v4", "file:///x", "http://[zz/"):
        assert "hunter2" not in refused(comment(forge, address)[0])


def test_a_forged_marker_of_a_later_run_holds_nothing_up_where_nobody_tells_whose_it_is(forge):
    """A forged marker with a high run number does not block a run, even if the token's user is
    unknown.
    """
    no = Answer(status=403, body={"message": "no"})
    forge.server.faults.append(
        Fault(method="GET", path="/(user|connectionData)$", answer=no, times=99)
    )
    forge.server.faults.append(Fault(method="POST", path="graphql", answer=no, times=99))
    forged = Post(text="all is well", marker=replace(MARKER, run=10**18))
    forge.server.add(forged.body)
    post = Post(text="bad", marker=MARKER)
    assert (
        update_comment(forge.conversation(), post, Behavior.UPDATE).did is not CommentAction.OUTRUN
    )
    bodies = forge.server.bodies()
    assert any("bad" in body for body in bodies)
    # The next run still finds it.
    update_comment(
        forge.conversation(), Post(text="worse", marker=replace(MARKER, run=6)), Behavior.UPDATE
    )
    bodies = forge.server.bodies()
    assert any("worse" in body for body in bodies)
    assert not any("bad" in body for body in bodies)


def test_a_comment_of_somebody_else_that_cannot_be_edited_is_passed_over(forge):
    """If the forge refuses to edit a forged comment, the run adds a comment of its own."""
    no = Answer(status=403, body={"message": "no"})
    for method, path, times in (
        ("GET", "/(user|connectionData)$", 99),
        ("POST", "graphql", 99),
        ("PATCH", "comments", 1),
        ("PUT", "notes|comments", 1),
    ):
        forge.server.faults.append(Fault(method=method, path=path, answer=no, times=times))
    forged = Post(text="all is well", marker=replace(MARKER, run=10**18)).body
    if forge.name == "github":
        forge.server.add(forged, by="another[bot]")
    else:
        forge.server.add(forged)
    kept = update_comment(forge.conversation(), Post(text="bad", marker=MARKER), Behavior.UPDATE)
    assert kept.did is CommentAction.CREATED


@FORGES
@pytest.mark.parametrize("status", [418, 422])
def test_a_status_that_no_api_gives_is_said_in_words(hostile, comment, forge, status):
    """A status without a meaning of its own is named, without an error of Python."""
    body = b'{"message": "short and stout"}'
    server = hostile(
        lambda request: request.say(status, body, **{"Content-Type": "application/json"})
    )
    said = refused(comment(forge, server.url)[0])
    assert str(status) in said
    assert not re.search(r"[A-Z][a-z]+(?:Error|Exception)", said), said


ODD = {
    "gitlab": [{"id": 1, "body": 5, "system": False, "author": {"id": 1}}],
    "azure": {"value": [{"id": "x", "comments": [
        {"id": 1, "content": 5, "author": {"id": "a"}}]}]},
    "bitbucket": {"values": [{"id": "x", "content": {"raw": 5}, "user": {"uuid": "a"}}]},
}  # fmt: skip


@pytest.mark.parametrize("forge", ODD)
def test_a_comment_whose_text_is_no_text_is_refused(hostile, comment, forge):
    """A comment with a number in the place of its text is an answer that does not fit."""
    body = json.dumps(ODD[forge]).encode()
    server = hostile(lambda request: request.say(200, body, **{"Content-Type": "application/json"}))
    said = refused(comment(forge, server.url)[0])
    assert "does not fit its API" in said
    assert not re.search(r"[A-Z][a-z]+(?:Error|Exception)", said), said
