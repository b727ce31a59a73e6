"""TestInvokeMethod of the emulator calls the backend of a method with the key pair of a
certificate.
"""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError

from checker.demo.backend import DemoBackend
from checker.demo.emulator import SeedApi, SeedCertificate, SeedMethod

API = "api1"


@pytest.fixture
def backend():
    with DemoBackend() as made:
        yield made


@pytest.fixture
def plain():
    """Yield a backend without TLS: its URL and the requests that it received.

    It answers with the status in the path.
    """
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.command, self.path, dict(self.headers)))
            last = self.path.partition("?")[0].rpartition("/")[2]
            self.send_response(int(last) if last.isdigit() else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_POST = do_GET  # noqa: N815 - http.server's names

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def caller(aws):
    gateway = aws.client("apigateway")
    resources = {
        item["path"]: item["id"]
        for item in gateway.get_resources(restApiId=API, limit=500)["items"]
    }

    def call(verb, path, *, at=None, **rest):
        return gateway.test_invoke_method(
            restApiId=API,
            resourceId=resources[path],
            httpMethod=verb,
            pathWithQueryString=at or path,
            **rest,
        )

    return call


def test_the_key_pair_of_the_named_certificate_is_presented(aws, backend):
    """A backend that trusts one certificate accepts a test call with it, and refuses another
    certificate and none.
    """
    aws.seed(SeedCertificate(id="aaaaaa"))
    aws.seed(SeedCertificate(id="bbbbbb"))
    pem = aws.client("apigateway").get_client_certificate(clientCertificateId="aaaaaa")
    backend.trust([pem["pemEncodedCertificate"]])
    aws.seed(
        SeedApi(
            id=API,
            stages={"live": None},
            methods={"GET /health": SeedMethod(uri=f"{backend.url}/health")},
        )
    )
    call = caller(aws)

    assert call("GET", "/health", clientCertificateId="aaaaaa")["status"] == 200
    assert call("GET", "/health", clientCertificateId="bbbbbb")["status"] == 500
    assert call("GET", "/health")["status"] == 500
    assert backend.requests == ("GET /health",)


@pytest.mark.parametrize(
    ("form", "failed", "passed"),
    [("console", True, False), ("json", False, False), ("chatty", True, True)],
)
def test_the_log_has_the_chosen_form(aws, backend, plain, form, failed, passed):
    """The log has the chosen form: one reports a failed handshake, one never does, and one always
    mentions TLS.
    """
    url, _ = plain
    aws.write_test_log(form)
    aws.seed(
        SeedApi(
            id=API,
            stages={},
            methods={"GET /tls": SeedMethod(uri=backend.url), "GET /ok": SeedMethod(uri=url)},
        )
    )
    call = caller(aws)

    def mentions(answer):
        return "alert" in answer["log"] or "TLS" in answer["log"]

    assert mentions(call("GET", "/tls")) is failed
    assert mentions(call("GET", "/ok")) is passed


def test_there_may_be_no_log(aws, plain):
    """A test call can return no log, because the model does not require one."""
    aws.write_test_log("none")
    aws.seed(SeedApi(id=API, methods={"GET /ok": SeedMethod(uri=plain[0])}))
    answer = caller(aws)("GET", "/ok")
    assert "log" not in answer
    assert answer["status"] == 200


def test_the_settings_of_another_process_choose_the_form(aws, plain):
    """Another process can choose the form of the log with `test_log` of POST /_tfcert/settings."""
    import urllib.request

    order = urllib.request.Request(
        f"{aws.endpoint}/_tfcert/settings", json.dumps({"test_log": "json"}).encode()
    )
    assert json.load(urllib.request.urlopen(order))["test_log"] == "json"


def test_a_backend_that_does_not_listen_gives_504(aws):
    """A backend that does not listen makes a test call answer 504."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    aws.seed(SeedApi(id=API, methods={"GET /x": SeedMethod(uri=f"https://127.0.0.1:{port}/x")}))
    assert caller(aws)("GET", "/x")["status"] == 504


@pytest.mark.parametrize(
    "uri", ["https://192.0.2.1/", "https://backend.test/", "http://127.0.0.1.nip.test/"]
)
def test_only_loopback_is_called(aws, uri):
    """A test call reaches loopback addresses only, so that the emulator is no proxy to other
    machines.
    """
    aws.seed(SeedApi(id=API, methods={"GET /x": SeedMethod(uri=uri)}))
    with pytest.raises(ClientError, match="loopback addresses only"):
        caller(aws)("GET", "/x")


def test_stage_variables_path_parameters_query_and_headers_are_passed(aws, plain):
    """A proxy integration passes on the query, the headers, the stage variables and the mapped path
    parameters.
    """
    url, seen = plain
    host = url.removeprefix("http://")
    aws.seed(
        SeedApi(
            id=API,
            methods={
                "GET /orders/{id}": SeedMethod(
                    uri="http://${stageVariables.host}/o/{id}",
                    mapped={"integration.request.path.id": "method.request.path.id"},
                ),
                "ANY /{proxy+}": SeedMethod(
                    uri=f"{url}/{{proxy}}",
                    mapped={"integration.request.path.proxy": "method.request.path.proxy"},
                ),
            },
        )
    )
    call = caller(aws)

    call(
        "GET",
        "/orders/{id}",
        at="/orders/42?deep=1",
        stageVariables={"host": host},
        headers={"X-Own": "yes"},
    )
    call("POST", "/{proxy+}", at="/a/b", body="{}")

    assert [entry[:2] for entry in seen] == [("GET", "/o/42?deep=1"), ("POST", "/a/b")]
    assert seen[0][2]["X-Own"] == "yes"


def test_an_integration_of_type_http_maps_the_status(aws, plain):
    """The response without a pattern of an HTTP integration applies to every status that no pattern
    matches.
    """
    url, seen = plain
    own = SeedMethod(uri=f"{url}/403", type="HTTP", responses={"200": ""})
    aws.seed(
        SeedApi(
            id=API,
            methods={
                "GET /hidden": own,
                "GET /shown": SeedMethod(
                    uri=f"{url}/403", type="HTTP", responses={"200": "", "403": "403"}
                ),
                "GET /none": SeedMethod(uri=f"{url}/200", type="HTTP"),
            },
        )
    )
    call = caller(aws)
    statuses = [
        call("GET", path, headers={"X-Own": "yes"})["status"]
        for path in ("/hidden", "/shown", "/none")
    ]
    assert statuses == [200, 403, 500]
    assert "X-Own" not in seen[0][2]


def test_unknown_things_are_not_found(aws, plain):
    """An unknown method or certificate is a NotFoundException, as in API Gateway."""
    aws.seed(SeedApi(id=API, methods={"GET /x": SeedMethod(uri=plain[0])}))
    call = caller(aws)
    for verb, rest in (("PUT", {}), ("GET", {"clientCertificateId": "zzzzzz"})):
        with pytest.raises(ClientError) as caught:
            call(verb, "/x", **rest)
        assert caught.value.response["Error"]["Code"] == "NotFoundException"


def test_resources_come_in_pages_and_methods_with_embed(aws):
    """Resources come in pages, and without `embed` their methods are empty objects."""
    methods = {
        f"GET /r{number}": SeedMethod(uri="https://backend.test/", vpc_link="l1nk00")
        for number in range(30)
    }
    aws.seed(SeedApi(id=API, methods=methods))
    gateway = aws.client("apigateway")
    first = gateway.get_resources(restApiId=API)
    rest = gateway.get_resources(restApiId=API, position=first["position"])
    assert len(first["items"]) == 25
    assert len(first["items"]) + len(rest["items"]) == 31
    assert {json.dumps(item.get("resourceMethods", {"GET": {}})) for item in first["items"]} == {
        '{"GET": {}}'
    }

    whole = gateway.get_resources(restApiId=API, limit=500, embed=["methods"])["items"]
    integration = next(item for item in whole if item["path"] == "/r3")["resourceMethods"]["GET"][
        "methodIntegration"
    ]
    assert (integration["connectionType"], integration["connectionId"]) == ("VPC_LINK", "l1nk00")
    own = next(item for item in whole if item["path"] == "/r3")
    where = {"restApiId": API, "resourceId": own["id"]}
    assert gateway.get_resource(**where)["path"] == "/r3"
    assert (
        gateway.get_method(**where, httpMethod="GET")["methodIntegration"]["connectionId"]
        == "l1nk00"
    )
    assert gateway.get_integration(**where, httpMethod="GET")["connectionId"] == "l1nk00"


def test_put_integration_keeps_the_vpc_link(aws):
    """PutIntegration keeps the id of the VPC link, which moto drops."""
    aws.seed(SeedApi(id=API))
    gateway = aws.client("apigateway")
    root = gateway.get_resources(restApiId=API)["items"][0]["id"]
    where = {"restApiId": API, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    made = gateway.put_integration(**where, type="HTTP_PROXY", integrationHttpMethod="GET", uri="https://backend.test/", connectionType="VPC_LINK", connectionId="l1nk00")  # fmt: skip
    assert made["connectionId"] == "l1nk00"
    assert gateway.get_integration(**where)["connectionId"] == "l1nk00"


def test_other_requests_are_answered_during_a_test_call(aws):
    """Other requests are answered while a test call waits for a slow backend."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        aws.seed(
            SeedApi(id=API, methods={"GET /slow": SeedMethod(uri=f"http://127.0.0.1:{port}/")})
        )
        call = caller(aws)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(call("GET", "/slow")["status"]))
        waiting.start()
        connection, _ = listener.accept()
        assert aws.client("apigateway").get_rest_apis()["items"]
        assert answers == []
        connection.close()
        waiting.join(10)
    assert answers == [504]


def test_a_call_that_fails_leaves_no_lock_behind(aws):
    """After a test call that fails, the next request is answered."""
    aws.seed(SeedApi(id=API, methods={"GET /x": SeedMethod(uri="https://192.0.2.1/")}))
    with pytest.raises(ClientError):
        caller(aws)("GET", "/x")
    assert aws.client("apigateway").get_rest_apis()["items"]
