"""gRPC calls against collectors that shrink the window, reset streams or cannot be reached."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, SettingsAcknowledged, StreamEnded
from h2.settings import SettingCodes

from proxy.telemetry.tracing.delivery import Delivery
from proxy.telemetry.tracing.grpc_sender import GrpcSender
from rondpoint.settings.tree.tracing import OtlpGrpc, OtlpTls

WINDOW = 65_535
"""Bytes that a client may send before it knows the server's settings (RFC 9113 §6.9.2)."""


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run `serve` in a thread and yield its address; at the end, wait for it to return."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def test_the_sender_waits_while_the_window_is_negative() -> None:
    body = os.urandom(3 * WINDOW)
    taken = bytearray()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            h2 = H2Connection(H2Configuration(client_side=False))
            h2.initiate_connection()
            connection.sendall(h2.data_to_send())
            shrunk = ended = False
            while not ended:
                for event in h2.receive_data(connection.recv(65_536)):
                    if isinstance(event, DataReceived):
                        taken.extend(event.data)
                        if shrunk:
                            h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, SettingsAcknowledged) and shrunk:
                        h2.increment_flow_control_window(2 * WINDOW, stream_id=1)
                    elif isinstance(event, StreamEnded):
                        h2.send_headers(
                            event.stream_id, [(":status", "200"), ("grpc-status", "0")], end_stream=True
                        )
                        ended = True
                if not shrunk and len(taken) == WINDOW:
                    # The stream's window is now negative, while the connection's window has room.
                    shrunk = True
                    h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1_000})
                    h2.increment_flow_control_window(2 * WINDOW)
                connection.sendall(h2.data_to_send())
            # Wait until the client has read the response.
            connection.settimeout(10)
            while connection.recv(65_536):
                continue

    with listening(serve) as address:
        sender = GrpcSender(OtlpGrpc(endpoint=address, insecure=True))
        assert sender.send(body) == Delivery()
        sender.close()
    assert bytes(taken) == b"\x01" + len(body).to_bytes(4, "big") + body


@contextmanager
def answering(headers: list[tuple[bytes, bytes]], *, early: bool = False) -> Iterator[str]:
    """Run a collector that responds to one call; if `early`, without reading the body, and with a reset."""

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            h2 = H2Connection(
                H2Configuration(client_side=False, header_encoding=None, validate_outbound_headers=False)
            )
            h2.initiate_connection()
            connection.sendall(h2.data_to_send())
            responded = False
            while not responded:
                for event in h2.receive_data(connection.recv(65_536)):
                    if not responded and isinstance(event, RequestReceived if early else StreamEnded):
                        responded = True
                        h2.send_headers(1, headers, end_stream=True)
                        if early:
                            h2.reset_stream(1, 0)
                connection.sendall(h2.data_to_send())
            connection.settimeout(10)
            while connection.recv(65_536):
                continue

    with listening(serve) as address:
        yield address


def test_a_response_counts_although_a_reset_follows() -> None:
    refusal = [(b":status", b"200"), (b"grpc-status", b"16"), (b"grpc-message", b"who are you")]
    with answering(refusal, early=True) as address:
        sender = GrpcSender(OtlpGrpc(endpoint=address, insecure=True))
        delivery = sender.send(os.urandom(3 * WINDOW))
        sender.close()
    assert delivery == Delivery("it responds with gRPC code 16 who are you")


def test_a_response_with_a_value_that_is_no_text_counts() -> None:
    with answering([(b":status", b"200"), (b"grpc-status", b"0"), (b"x-made-by", b"\xff")]) as address:
        sender = GrpcSender(OtlpGrpc(endpoint=address, insecure=True))
        assert sender.send(b"spans") == Delivery()
        sender.close()


@pytest.mark.parametrize("endpoint", ["a..b:4317", f"{'x' * 64}:4317"])
def test_an_invalid_host_affects_only_tracing(endpoint: str) -> None:
    delivery = GrpcSender(OtlpGrpc(endpoint=endpoint, insecure=True)).send(b"spans")
    assert delivery.retryable
    assert "idna" in delivery.error


def test_unreadable_certificates_affect_only_tracing() -> None:
    options = OtlpGrpc(endpoint="127.0.0.1:4317", tls=OtlpTls(ca="/nowhere/ca.pem"))
    delivery = GrpcSender(options).send(b"spans")
    assert delivery.retryable
    assert "No such file" in delivery.error
