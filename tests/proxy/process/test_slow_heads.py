"""Slowloris: many clients that never complete their request heads."""

import threading
import time

from tests.lab.client_connections import ClientConnections
from tests.lab.origin import Origin
from tests.proxy.process.conftest import Begin
from tests.proxy.process.load import SLOWEST, Load

COUNT = 2000
READ_TIMEOUT = 3.0


def test_two_thousand_slow_clients_delay_no_other_client_and_are_ended(begin: Begin) -> None:
    proxy = begin(f"--entryPoints.web.transport.respondingTimeouts.readTimeout={READ_TIMEOUT:g}s")
    with Origin.named("here") as origin:
        host = proxy.route(origin)
        with ClientConnections(proxy.web, COUNT) as slow, Load(proxy.web, host) as load:
            head = f"GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow: ".encode()
            began = time.monotonic()
            assert slow.send_to_all(head) == COUNT
            over = threading.Event()

            def drip() -> None:
                while not over.wait(0.5):
                    slow.send_to_all(b"a")

            dripping = threading.Thread(target=drip, daemon=True)
            dripping.start()
            load.wait_for(500)
            try:
                responses = slow.read_to_end(READ_TIMEOUT + 60)
            finally:
                over.set()
                dripping.join(30)
            took = time.monotonic() - began
            assert [response[:12] for response in responses] == [b"HTTP/1.1 408"] * COUNT
            assert READ_TIMEOUT - 0.1 < took < READ_TIMEOUT + 60
            load.wait_for(100)
    assert load.failures == []
    assert load.slowest < SLOWEST
    assert "Traceback" not in proxy.process.log
