"""A gRPC server for tests, on gRPC's own library: an echo service and a health service without protobuf.

Messages are bytes. The metadata and the end of each call are kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from tests.lab.ports import free_port

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
"""The messages of these two states: field 1 of a HealthCheckResponse."""

ECHO = "/test.Echo/"

Metadata = tuple[tuple[str, str | bytes], ...]


class GrpcServer:
    """A server on `port`; with a certificate, over TLS; `options` are those of gRPC's server.

    `health` is the response's message of health checks, None without a health service. `metadata` holds what
    came with each call, `ended` the method of each call that ended. `Hang` and `Events` wait for `hold`.
    Responses have the `initial` and `trailing` metadata; a `refusal` is their status and message.
    """

    def __init__(
        self,
        *,
        certificate: Path | None = None,
        options: tuple[tuple[str, Any], ...] = (),
        health: bytes | None = SERVING,
        port: int = 0,
    ) -> None:
        self.port = port or free_port()
        self.health = health
        self.metadata: list[dict[str, list[str | bytes]]] = []
        self.ended: list[str] = []
        self.hold = threading.Event()
        self.initial: Metadata = ()
        self.trailing: Metadata = ()
        self.refusal: tuple[grpc.StatusCode, str] | None = None
        self._certificate = certificate
        self._options = options
        self._server: Any = None

    @property
    def secure(self) -> bool:
        """Whether it is served over TLS."""
        return self._certificate is not None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, at the same port each time."""
        self.hold.clear()
        self._server = server = grpc.server(ThreadPoolExecutor(32), options=self._options)
        server.add_generic_rpc_handlers(tuple(self._handlers()))
        if self._certificate is None:
            assert server.add_insecure_port(self.address) == self.port
        else:
            pem = self._certificate.read_bytes()
            credentials = grpc.ssl_server_credentials([(pem, pem)])
            assert server.add_secure_port(self.address, credentials) == self.port
        server.start()

    def reset(self) -> None:
        """Forget the calls so far and what responses were to have."""
        self.metadata.clear()
        self.ended.clear()
        self.hold.clear()
        self.initial = self.trailing = ()
        self.refusal = None

    def stop(self, grace: float | None = None) -> None:
        """Stop; calls have `grace` seconds to end, None for none."""
        # Handlers that wait would keep their threads, and so the interpreter, alive.
        self.hold.set()
        self._server.stop(grace).wait()

    def _handlers(self) -> Iterator[grpc.GenericRpcHandler]:
        methods = {
            "Unary": grpc.unary_unary_rpc_method_handler(self._unary),
            "Hang": grpc.unary_unary_rpc_method_handler(self._hang),
            "Collect": grpc.stream_unary_rpc_method_handler(self._collect),
            "Repeat": grpc.unary_stream_rpc_method_handler(self._repeat),
            "Chat": grpc.stream_stream_rpc_method_handler(self._chat),
            "Events": grpc.unary_stream_rpc_method_handler(self._events),
        }
        yield grpc.method_handlers_generic_handler("test.Echo", methods)
        if self.health is not None:
            check = grpc.unary_unary_rpc_method_handler(lambda _, context: self._check(context))
            yield grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})

    def _begin(self, context: grpc.ServicerContext, method: str) -> None:
        """Note the call, and respond with the metadata and the refusal that are set."""
        found: dict[str, list[str | bytes]] = {}
        for name, value in context.invocation_metadata():
            found.setdefault(str(name), []).append(value)
        self.metadata.append(found)
        context.add_callback(lambda: self.ended.append(method))
        if self.initial:
            context.send_initial_metadata(self.initial)
        context.set_trailing_metadata(self.trailing)
        if self.refusal is not None:
            context.abort(*self.refusal)

    def _check(self, context: grpc.ServicerContext) -> bytes:
        self._begin(context, "Check")
        return self.health or b""

    def _unary(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        self._begin(context, "Unary")
        return message

    def _hang(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        self._begin(context, "Hang")
        self.hold.wait(120)
        return message

    def _collect(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        self._begin(context, "Collect")
        return b"".join(messages)

    def _repeat(self, message: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        self._begin(context, "Repeat")
        count, _, text = message.partition(b" ")
        for _ in range(int(count)):
            yield text

    def _chat(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        self._begin(context, "Chat")
        yield from messages

    def _events(self, message: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        """Send the message, and the next one only once `hold` is set."""
        self._begin(context, "Events")
        yield message
        self.hold.wait(120)
        yield message


class GrpcClient:
    """Calls of the echo service over one channel; with a certificate, over TLS to `localhost`."""

    def __init__(
        self,
        address: str,
        *,
        certificate: Path | None = None,
        authority: str = "",
        options: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        # A pool of channels in gRPC's library would share connections between tests.
        options += (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
        if authority:
            options += (("grpc.default_authority", authority),)
        if certificate is None:
            self.channel = grpc.insecure_channel(address, options)
        else:
            credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
            self.channel = grpc.secure_channel(address, credentials, options)
        self.unary: Callable[..., Any] = self.channel.unary_unary(ECHO + "Unary")
        self.hang: Callable[..., Any] = self.channel.unary_unary(ECHO + "Hang")
        self.collect: Callable[..., Any] = self.channel.stream_unary(ECHO + "Collect")
        self.repeat: Callable[..., Any] = self.channel.unary_stream(ECHO + "Repeat")
        self.chat: Callable[..., Any] = self.channel.stream_stream(ECHO + "Chat")
        self.events: Callable[..., Any] = self.channel.unary_stream(ECHO + "Events")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.channel.close()
