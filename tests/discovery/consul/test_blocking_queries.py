"""The results of repeated blocking queries."""

import threading

from discovery.consul import Client, Endpoint, QueryResult
from discovery.consul.blocking_queries import BlockingQueries
from discovery.consul.errors import ClosedError


def test_a_reset_of_consul_is_not_hidden_by_the_next_result() -> None:
    """The results are made up: no real Consul can be made to respond twice while nobody takes results."""
    results = [QueryResult(7, "before"), QueryResult(0, "anew"), QueryResult(3, "anew, and more")]
    taken, queried_again, ended = threading.Event(), threading.Event(), threading.Event()

    def query(_: Client, index: int) -> QueryResult[str]:
        if index == 7:
            assert taken.wait(60)
        if not results:
            queried_again.set()
            ended.wait(60)
            raise ClosedError("over")
        return results.pop(0)

    with BlockingQueries({"q": query}, lambda: Client(Endpoint("http://127.0.0.1:1"))) as queries:
        try:
            assert queries.take() == {"q": QueryResult(7, "before")}
            taken.set()
            assert queried_again.wait(60)
            assert queries.take() == {"q": QueryResult(0, "anew, and more")}
        finally:
            ended.set()
