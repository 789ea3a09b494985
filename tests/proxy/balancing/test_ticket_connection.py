"""Connections to the store for tickets, on a real one."""

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


def test_a_line_may_be_opened_anew_any_number_of_times(store: Store) -> None:
    with connect(store.url, max_connections=2) as client:
        for turn in range(1, 6):
            line = open_ticket_connection(client.connection_pool)
            answer: AsyncResult[int] = AsyncResult()
            line.listen(answer.set, answer.set_exception)
            line.send(pack_command("INCR", "turns"), 1)
            with gevent.Timeout(5):
                assert answer.get() == turn
            line.close()


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("kind", [Sentinels, Cluster])
def test_a_line_goes_to_the_master(tmp_path: Path, kind: type[Sentinels | Cluster], secure: bool) -> None:
    certificate = write_certificate(tmp_path / "store.pem") if secure else None
    with kind(tmp_path, certificate=certificate) as group, connect(group.url) as client:
        line = open_ticket_connection(client.connection_pool)
        answer: AsyncResult[int] = AsyncResult()
        line.listen(answer.set, answer.set_exception)
        line.send(pack_command("HINCRBY", Keys().tickets, "a", "7"), 1)
        with gevent.Timeout(10):
            assert answer.get() == 7
        line.close()
        assert group.master().does("HGET", Keys().tickets, "a") == b"7"
