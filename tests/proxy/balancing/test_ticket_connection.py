"""Ticket connections to a real store."""

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from gevent.event import AsyncResult

from proxy.balancing.ticket_connection import open_ticket_connection, pack_command
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from tests.lab.certificate import write_certificate
from tests.lab.redis_server import Cluster, Sentinels
from tests.lab.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as store:
        yield store


def test_a_ticket_connection_can_be_opened_any_number_of_times(store: Store) -> None:
    with connect(store.url, max_connections=2) as client:
        for number in range(1, 6):
            connection = open_ticket_connection(client.connection_pool)
            reply: AsyncResult[int] = AsyncResult()
            connection.listen(reply.set, reply.set_exception)
            connection.send(pack_command("INCR", "counter"), 1)
            with gevent.Timeout(5):
                assert reply.get() == number
            connection.close()


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("kind", [Sentinels, Cluster])
def test_a_ticket_connection_goes_to_the_master(
    tmp_path: Path, kind: type[Sentinels | Cluster], secure: bool
) -> None:
    certificate = write_certificate(tmp_path / "store.pem") if secure else None
    with kind(tmp_path, certificate=certificate) as group, connect(group.url) as client:
        connection = open_ticket_connection(client.connection_pool)
        reply: AsyncResult[int] = AsyncResult()
        connection.listen(reply.set, reply.set_exception)
        connection.send(pack_command("HINCRBY", Keys().tickets, "a", "7"), 1)
        with gevent.Timeout(10):
            assert reply.get() == 7
        connection.close()
        assert group.master().execute("HGET", Keys().tickets, "a") == b"7"
