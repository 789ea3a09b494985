"""One call of gRPC, against a peer that changes its mind about how much it takes."""

import os
import socket
import threading

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, SettingsAcknowledged, StreamEnded
from h2.settings import SettingCodes

from proxy.telemetry.tracing.delivery import Delivery
from proxy.telemetry.tracing.over_grpc import GrpcSender
from rondpoint.settings.tree.tracing import OtlpGrpc

WINDOW = 65_535
"""Bytes that a client may send before it knows what the server would like (RFC 9113 §6.9.2)."""


def test_a_window_that_shrinks_below_what_was_sent_is_waited_for() -> None:
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
                    # The stream's window is now far below nothing, while the connection's has room.
                    shrunk = True
                    h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1_000})
                    h2.increment_flow_control_window(2 * WINDOW)
                connection.sendall(h2.data_to_send())
            # Until the client has read it.
            connection.settimeout(10)
            while connection.recv(65_536):
                continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        sender = GrpcSender(OtlpGrpc(endpoint=f"127.0.0.1:{listener.getsockname()[1]}", insecure=True))
        assert sender.send(body) == Delivery()
        sender.close()
        thread.join(10)
    assert bytes(taken) == b"\x01" + len(body).to_bytes(4, "big") + body
