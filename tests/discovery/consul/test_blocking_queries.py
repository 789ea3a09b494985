"""What comes out of questions that are asked again and again."""

import threading

from discovery.consul import Client, Endpoint, QueryResult
from discovery.consul.blocking_queries import BlockingQueries
from discovery.consul.errors import ClosedError


def test_that_consul_began_anew_is_not_lost_behind_the_answer_that_followed() -> None:
    """No Consul can be made to answer twice just while nobody takes its answers, so these are made up."""
    answers = [QueryResult(7, "before"), QueryResult(0, "anew"), QueryResult(3, "anew, and more")]
    taken, asked_once_more, ended = threading.Event(), threading.Event(), threading.Event()

    def ask(_: Client, index: int) -> QueryResult[str]:
        if index == 7:
            assert taken.wait(60)
        if not answers:
            asked_once_more.set()
            ended.wait(60)
            raise ClosedError("over")
        return answers.pop(0)

    with BlockingQueries({"q": ask}, lambda: Client(Endpoint("http://127.0.0.1:1"))) as queries:
        try:
            assert queries.take() == {"q": QueryResult(7, "before")}
            taken.set()
            assert asked_once_more.wait(60)
            assert queries.take() == {"q": QueryResult(0, "anew, and more")}
        finally:
            ended.set()
