"""Faults of servers: requests go to another server where possible; others fail visibly and alone."""

import operator
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import behaviours
from tests.faults.behaviours import Behaviour, ScriptedServer
from tests.faults.conftest import Report, Start
from tests.faults.http2_client import STREAMS
from tests.faults.outcomes import Failure
from tests.faults.site import Site, new_site
from tests.lab.origin import Origin, http_response
from tests.lab.static_servers import Nghttpd
from tests.lab.store import Store
from tests.lab.waiting import until

ENOUGH = 24
"""The least number of requests that the failing server gets."""

Allowed = Callable[[Failure], bool]


@pytest.fixture(scope="module")
def shared(module_store: Store) -> Iterator[Site]:
    """One site for all tests: its proxies must survive every fault of a server."""
    with new_site(module_store.url) as site:
        site.agent(site.routes.flag)
        for _ in range(2):
            site.instance(
                "--serversTransport.forwardingTimeouts.responseHeaderTimeout=5s",
                "--limits.responsePauseTimeout=5s",
            )
        yield site


is_lost_post: Allowed = operator.attrgetter("is_lost_post")


def status_is(*statuses: int) -> Allowed:
    """Return a check for a complete response, from the proxy or the server, with one of these statuses."""
    return lambda failure: failure.is_complete and failure.status in statuses


def is_cut(failure: Failure) -> bool:
    """Return whether the connection ended before the length of the response."""
    begun = failure.received.startswith(("HTTP/1.1 200", "HTTP/2 200"))
    return failure.status == 0 and begun and "x" in failure.received


def is_lost_post_or_cut(failure: Failure) -> bool:
    return failure.is_lost_post or is_cut(failure)


# How one of three servers fails; which failures its clients may see; the same in words for the table.
FAILURES_OF_SERVERS: list[tuple[Behaviour, Allowed, str]] = [
    (behaviours.resets_after_the_head, is_lost_post, "POST: 502"),
    (behaviours.ends_within_the_body, is_cut, "its own: cut"),
    (behaviours.hangs, status_is(504), "its own: 504"),
    (behaviours.sends_no_http, status_is(502), "its own: 502"),
    (behaviours.returns_503, status_is(503), "its own: 503"),
]
FURTHER_FAILURES: list[tuple[Behaviour, Allowed, str]] = [
    (behaviours.resets_at_once, is_lost_post, "POST: 502"),
    (behaviours.ends_after_the_request, is_lost_post, "POST: 502"),
    (behaviours.ends_within_the_head, status_is(502), "its own: 502"),
    (behaviours.resets_within_the_body, is_lost_post_or_cut, "its own: cut; POST: 502"),
    (behaviours.hangs_within_the_body, is_cut, "its own: cut"),
    (behaviours.sends_an_endless_head, status_is(502), "its own: 502"),
]


@pytest.mark.parametrize(
    ("behaviour", "allowed", "words"),
    [
        *(pytest.param(*row, id=row[0].__name__) for row in FAILURES_OF_SERVERS),
        *(pytest.param(*row, id=row[0].__name__, marks=pytest.mark.full) for row in FURTHER_FAILURES),
    ],
)
def test_a_failing_server_fails_at_most_its_own_requests(
    shared: Site, origin: Start, report: Report, behaviour: Behaviour, allowed: Allowed, words: str
) -> None:
    failing = ScriptedServer()
    servers = [origin(failing), origin(behaviours.ScriptedServer()), origin(behaviours.ScriptedServer())]
    shared.routes.serve(*servers, bystander=origin(http_response(b"bystander")))
    shared.converge(shared.routes.servers)
    with shared.load(host="bystander.test") as bystander, shared.load(posts=4, http2=2) as load:
        failing.set_behaviour(behaviour)
        until(lambda: failing.request_count >= ENOUGH, "failures", timeout=120)
        request_count = failing.request_count
        failing.set_behaviour(behaviours.responds_normally)
        load.wait_for(50)
    with shared.load(posts=4) as later:
        later.wait_for(200)
    converged = shared.converge(shared.routes.servers)
    name = f"one of three servers {behaviour.__name__.replace('_', ' ')}"
    report(name, load, converged=converged, may_fail=words)
    bystander.assert_no_failures()
    later.assert_no_failures()
    for failure in load.failures:
        assert allowed(failure), f"{failure}\n{load.describe_failures()}"
    clients = load.plan.clients + load.plan.posts + load.plan.http2 * STREAMS
    assert len(load.failures) <= request_count + clients
    # The server really got requests, also some that could not go to another server.
    assert load.failures or allowed is is_lost_post


def test_a_server_that_refuses_connections_is_skipped(shared: Site, origin: Start, report: Report) -> None:
    refusing = origin(http_response(b"refusing"))
    shared.routes.serve(refusing, origin(http_response(b"one")), origin(http_response(b"two")))
    shared.converge(shared.routes.servers)
    with shared.load(posts=4) as load:
        load.wait_for(100)
        refusing.close()
        load.wait_for(200)
        with Origin(http_response(b"again"), port=refusing.port) as again:
            again.wait_for_requests(20, timeout=60)
            load.wait_for(50)
            converged = shared.converge(shared.routes.servers)
    report(
        "one of three servers refuses connections, then is back",
        load,
        converged=converged,
        may_fail="POST: 502",
    )
    assert all(failure.is_lost_post for failure in load.failures), load.describe_failures()


def test_a_killed_server_of_http2_fails_at_most_its_posts(
    shared: Site, origin: Start, report: Report, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("here")
    with Nghttpd(tmp_path) as dying, Nghttpd(tmp_path) as lasting:
        shared.routes.serve(dying, lasting, origin(http_response(b"of HTTP/1.1")))
        shared.converge(shared.routes.servers)
        with shared.load(posts=4, http2=4) as load:
            for _ in range(3):
                load.wait_for(200)
                dying.kill()
                load.wait_for(200)
                dying.start()
                # No server is ejected any more.
                converged = shared.converge(shared.routes.servers)
    report("one of three servers, of HTTP/2, killed 3 times", load, converged=converged, may_fail="POST: 502")
    assert all(failure.is_lost_post for failure in load.failures), load.describe_failures()


def test_all_servers_fail_for_a_while(shared: Site, origin: Start, report: Report) -> None:
    servers = [ScriptedServer() for _ in range(3)]
    shared.routes.serve(*map(origin, servers), bystander=origin(http_response(b"bystander")))
    shared.converge(shared.routes.servers)
    with shared.load(host="bystander.test") as bystander, shared.load(posts=4) as load:
        for behaviour in (behaviours.returns_503, behaviours.resets_at_once, behaviours.hangs):
            for server in servers:
                server.set_behaviour(behaviour)
            bystander.wait_for(300)
        for server in servers:
            server.set_behaviour(behaviours.responds_normally)
        load.wait_for(100)
    with shared.load(posts=4) as later:
        later.wait_for(200)
    converged = shared.converge(shared.routes.servers)
    report(
        "all servers of a service fail for a while", load, converged=converged, may_fail="its own: 502-504"
    )
    assert load.failures
    assert all(failure.is_reported for failure in load.failures), load.describe_failures()
    bystander.assert_no_failures()
    later.assert_no_failures()
