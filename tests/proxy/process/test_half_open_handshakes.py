"""Slowloris over TLS: many clients that never complete their handshakes."""

import threading
import time
from contextlib import ExitStack
from pathlib import Path

from tests.lab.certificate import write_certificate
from tests.lab.client_connections import ClientConnections
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.proxy.process.conftest import Begin
from tests.proxy.process.load import SLOWEST, Load
from tests.proxy.tls.client_hellos import openssl_hello

COUNT = 500
"""Clients of each kind."""

READ_TIMEOUT = 6.0
"""Seconds; long enough that a busy machine responds to every whole ClientHello before."""


def test_two_thousand_half_open_handshakes_delay_no_other_client_and_are_ended(
    begin: Begin, tmp_path: Path
) -> None:
    port, certificate = free_port(), write_certificate(tmp_path / "own.pem")
    proxy = begin(
        f"--entryPoints.websecure.address=127.0.0.1:{port}",
        f"--entryPoints.websecure.tls.certificates={certificate},{certificate}",
        f"--entryPoints.websecure.transport.respondingTimeouts.readTimeout={READ_TIMEOUT:g}s",
    )
    hello = openssl_hello("localhost")
    with Origin.named("here") as origin, ExitStack() as stack:
        host = proxy.route(origin)
        began = time.monotonic()
        silent, half, whole, slow = (stack.enter_context(ClientConnections(port, COUNT)) for _ in range(4))
        load = stack.enter_context(Load(proxy.web, host))
        assert half.send_to_all(hello[: len(hello) // 2]) == COUNT
        assert whole.send_to_all(hello) == COUNT
        over = threading.Event()

        def drip() -> None:
            for position in range(len(hello) - 1):
                slow.send_to_all(hello[position : position + 1])
                if over.wait(0.5):
                    return

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        load.wait_for(500)
        try:
            for clients in (silent, half, whole, slow):
                received = clients.read_to_end(READ_TIMEOUT + 60)
                # Only the server's first flight, to clients that sent a whole ClientHello.
                assert {bool(each) for each in received} == {clients is whole}
        finally:
            over.set()
            dripping.join(30)
        assert READ_TIMEOUT - 0.1 < time.monotonic() - began < READ_TIMEOUT + 60
        load.wait_for(100)
    assert load.failures == []
    assert load.slowest < SLOWEST
    assert "Traceback" not in proxy.process.log
