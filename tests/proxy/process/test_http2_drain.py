"""A worker that leaves ends its HTTP/2 connections so that no request is lost."""

import threading

from tests.lab.http2 import frames
from tests.lab.http2.client import Client
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.waiting import until
from tests.proxy.process.conftest import Begin
from tests.proxy.process.test_handover import reload, workers

NONE_YET = b"\x7f\xff\xff\xff" + bytes(4)


def test_open_streams_and_requests_on_their_way_are_served(begin: Begin) -> None:
    proxy = begin()
    release = threading.Event()

    def slow(connection: Connection) -> None:
        while (request := connection.read()) is not None:
            if request.target == "/slow":
                release.wait(60)
            connection.send(http_response(b"here"))

    with Origin(slow) as origin:
        host = proxy.route(origin).encode()
        (old,) = workers(proxy)
        with Client(proxy.web) as busy, Client(proxy.web) as idle:
            for client in (busy, idle):
                client.start()
                assert client.wait_for(client.request(authority=host)).status == 200
            open_stream = busy.request(b"/slow", authority=host)
            origin.wait_for_requests(3)
            # The client has not read the first GOAWAY yet.
            busy.acknowledges = False
            reload(proxy)
            assert busy.wait(lambda: busy.goaway)
            assert busy.goaway is not None
            assert busy.goaway.payload == NONE_YET
            assert busy.wait_for(busy.request(authority=host)).status == 200
            busy.send(
                *(frames.ping(each.payload, ack=True) for each in busy.frames if each.kind == frames.PING)
            )
            last = (b"\0\0\0\5" + bytes(4),)
            assert busy.wait(lambda: busy.goaway is not None and busy.goaway.payload in last)
            release.set()
            found = busy.wait_for(open_stream)
            assert (found.status, bytes(found.content)) == (200, b"here")
            assert busy.wait_for_end()
            assert idle.wait_for_end()
            assert idle.goaway is not None
            assert idle.goaway.payload == b"\0\0\0\1" + bytes(4)
        until(lambda: old not in workers(proxy), "the end of the old worker")


def test_a_client_that_does_not_react_gets_a_second(begin: Begin) -> None:
    proxy = begin()
    with Client(proxy.web) as client:
        client.start()
        client.acknowledges = False
        reload(proxy)
        assert client.wait_for_end(30)
        assert client.goaway is not None
        assert client.goaway.payload == bytes(8)
