"""A gRPC server between terraform and AWS providers that keep running; run as a program.

terraform attaches to it with `TF_REATTACH_PROVIDERS`. It forwards every call as bytes to a real
provider that was started with `-debug`. It answers two calls itself, because they cost most of a
run and depend on nothing but their request:

- `GetSchema`: the provider's own answer, without the resource types that no test uses. The AWS
  provider has 1,500 types; to encode and decode their schemas takes terraform and the provider
  about 4 CPU seconds in each walk of the graph.
- `PrepareProviderConfig`: the provider's own answer to a request that is equal but for the
  emulator's port, 3 CPU seconds each.

A provider process has one configuration at a time. Each connection is one provider block, so each
different configuration gets a process of its own, and an alias works as it does without the proxy.

Protocol: `tfplugin5.proto` in Terraform's repository; the variable: "Debugging Providers" in the
plugin development documentation.

    python provider_proxy.py PROGRAM

It prints the value of the variable in one line, and ends with the providers when its input ends.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from selectors import EVENT_READ, DefaultSelector
from threading import Lock
from time import monotonic
from typing import Any

import grpc

# The first letters of the resource types and data sources that terraform sees.
KEPT = (
    "aws_acm_",
    "aws_api_gateway_",
    "aws_apigatewayv2_",
    "aws_caller_identity",
    "aws_instance",
    "aws_lb_trust_store",
    "aws_region",
    "aws_s3_bucket",
    "aws_s3_object",
    "aws_secretsmanager_",
    "aws_ssm_parameter",
)
# The number of configurations that can be in use at once.
MOST_PROVIDERS = 2
PATIENCE = 300.0

_PRINTED = re.compile(rb"TF_REATTACH_PROVIDERS='(\{.*\})'")
_WINDOW = 64 * 1024
# All ports have one length, so that no length in a message changes.
_PORT = re.compile(rb"127\.0\.0\.1:[1-9][0-9]{4}(?![0-9])")
_NO_PORT = b"127.0.0.1:00000"
_NO_LIMIT = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
# Fields of GetProviderSchema.Response that are maps from the name of a type to its schema:
# resources, data sources, ephemeral resources. Map entries have the key in field 1.
_MAPS = frozenset({2, 3, 8})
_VARINT, _BYTES = 0, 2

Forward = Callable[[bytes], bytes]


def fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the fields of a protobuf message: number, value, and the bytes of the whole field.

    The value of a varint is empty. Raises ValueError for other wire types, which the schema's
    response does not use.
    """
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        match key & 7:
            case 2:
                size, at = _varint(message, at)
                value = message[at : at + size]
                at += size
            case 0:
                _, at = _varint(message, at)
                value = b""
            case other:
                raise ValueError(f"wire type {other} at byte {start}")
        yield key >> 3, value, message[start:at]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def trimmed(schema: bytes) -> bytes:
    """Return a schema response with the types of `KEPT` alone; every other field stays."""
    return b"".join(
        whole for number, value, whole in fields(schema) if number not in _MAPS or _kept(value)
    )


def _kept(entry: bytes) -> bool:
    name = next(value for number, value, _ in fields(entry) if number == 1)
    return name.decode().startswith(KEPT)


class Provider:
    """One process of the provider, and the channel to it."""

    def __init__(self, program: str) -> None:
        self.process = subprocess.Popen(
            [program, "-debug"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        ((self.source, self.described),) = self._announced().items()
        address = self.described["Addr"]["String"]
        self.channel = grpc.insecure_channel(f"unix:{address}", options=_NO_LIMIT)
        self.configuration = b""

    def _announced(self) -> dict[str, Any]:
        stream = self.process.stdout
        assert stream is not None
        printed, deadline = b"", monotonic() + PATIENCE
        with DefaultSelector() as selector:
            selector.register(stream, EVENT_READ)
            while (found := _PRINTED.search(printed)) is None:
                if not selector.select(max(deadline - monotonic(), 0)):
                    raise TimeoutError("the provider did not print its address in time")
                chunk = stream.read1(_WINDOW)
                if not chunk:
                    raise RuntimeError(f"the provider does not start: {printed!r}")
                printed += chunk
        announced: dict[str, Any] = json.loads(found[1])
        return announced


class Proxy(grpc.GenericRpcHandler):
    """Forwards each call to the provider that its connection configured."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._lock = Lock()
        self._answers: dict[tuple[str, bytes], bytes] = {}
        self.providers = [Provider(program)]
        self._of_connection: dict[str, Provider] = {}

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a method; go-plugin's own streams have none."""
        method = handler_call_details.method
        if method.endswith(("/StreamStdio", "/StartStream")):
            return None

        def answer(request: bytes, context: Any) -> bytes:
            try:
                return self._answer(method, request, context.peer())
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
                raise

        return grpc.unary_unary_rpc_method_handler(answer)

    def _answer(self, method: str, request: bytes, connection: str) -> bytes:
        name = method.rpartition("/")[2]
        if name == "GetSchema":
            return self._once(method, request, lambda sent: trimmed(self._first(method)(sent)))
        if name == "PrepareProviderConfig":
            return self._once(method, request, self._first(method))
        if name == "Configure":
            with self._lock:
                self._of_connection[connection] = self._configured_with(request)
        provider = self._of_connection.get(connection, self.providers[0])
        forward: Forward = provider.channel.unary_unary(method)
        return forward(request)

    def _first(self, method: str) -> Forward:
        forward: Forward = self.providers[0].channel.unary_unary(method)
        return forward

    def _once(self, method: str, request: bytes, ask: Forward) -> bytes:
        ports = set(_PORT.findall(request))
        if len(ports) > 1:
            return ask(request)
        (port,) = ports or {_NO_PORT}
        key = method, request.replace(port, _NO_PORT)
        with self._lock:
            if key not in self._answers:
                self._answers[key] = ask(request).replace(port, _NO_PORT)
            return self._answers[key].replace(_NO_PORT, port)

    def _configured_with(self, request: bytes) -> Provider:
        """Return the provider for a configuration: one that has it, a new one, or the oldest."""
        for provider in self.providers:
            if provider.configuration in {request, b""}:
                break
        else:
            if len(self.providers) < MOST_PROVIDERS:
                provider = Provider(self._program)
            else:
                provider = self.providers[0]
        if provider in self.providers:
            self.providers.remove(provider)
        self.providers.append(provider)
        provider.configuration = request
        return provider


def main(program: str) -> None:
    """Serve until the input ends."""
    proxy = Proxy(program)
    try:
        server = grpc.server(ThreadPoolExecutor(16), handlers=[proxy], options=_NO_LIMIT)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        first = proxy.providers[0]
        address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
        described = first.described | {"Addr": address, "Pid": first.process.pid}
        sys.stdout.write(json.dumps({first.source: described}) + "\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()
        server.stop(None)
    finally:
        for provider in proxy.providers:
            provider.process.kill()
            provider.process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
