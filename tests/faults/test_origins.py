"""Servers that fail in every way: what can be asked elsewhere is, and the rest fails visibly, and alone."""

import operator
from collections.abc import Callable, Iterator

import pytest

from tests.faults import moody
from tests.faults.conftest import Report, Start
from tests.faults.moody import Mood, Moody
from tests.faults.outcomes import Failure
from tests.faults.site import Site, a_site
from tests.lab.origin import Origin, answer
from tests.lab.store import Store
from tests.lab.waiting import until

ENOUGH = 24
"""Requests that a failing server meets at least."""

Allowed = Callable[[Failure], bool]


@pytest.fixture(scope="module")
def shared(lasting_store: Store) -> Iterator[Site]:
    """One for all: its proxies must outlive every fault of a server."""
    with a_site(lasting_store.url) as site:
        site.agent(site.routes.flag)
        for _ in range(2):
            site.instance(
                "--serversTransport.forwardingTimeouts.responseHeaderTimeout=5s",
                "--limits.responsePauseTimeout=5s",
            )
        yield site


a_lost_post: Allowed = operator.attrgetter("a_lost_post")


def told(*statuses: int) -> Allowed:
    """An answer of the proxy's own, or the server's, that says so."""
    return lambda failure: failure.whole and failure.status in statuses


def cut(failure: Failure) -> bool:
    """An answer that cannot pass for whole: fewer bytes than its length says, and an end."""
    return failure.status == 0 and failure.received.startswith("HTTP/1.1 200") and "x" in failure.received


def a_lost_post_or_cut(failure: Failure) -> bool:
    return failure.a_lost_post or cut(failure)


# How one of three servers fails; what the clients of the requests that it met may see, and in words.
MOODS: list[tuple[Mood, Allowed, str]] = [
    (moody.resets_after_the_head, a_lost_post, "POST: 502"),
    (moody.ends_within_the_body, cut, "its own: cut"),
    (moody.hangs, told(504), "its own: 504"),
    (moody.talks_rubbish, told(502), "its own: 502"),
    (moody.storms, told(503), "its own: 503"),
]
MORE_MOODS: list[tuple[Mood, Allowed, str]] = [
    (moody.resets_at_once, a_lost_post, "POST: 502"),
    (moody.ends_after_the_request, a_lost_post, "POST: 502"),
    (moody.ends_within_the_head, told(502), "its own: 502"),
    (moody.resets_within_the_body, a_lost_post_or_cut, "its own: cut; POST: 502"),
    (moody.hangs_within_the_body, cut, "its own: cut"),
    (moody.overflows, told(502), "its own: 502"),
]


@pytest.mark.parametrize(
    ("mood", "allowed", "words"),
    [
        *(pytest.param(*row, id=row[0].__name__) for row in MOODS),
        *(pytest.param(*row, id=row[0].__name__, marks=pytest.mark.full) for row in MORE_MOODS),
    ],
)
def test_a_failing_server_costs_its_own_requests_at_most(
    shared: Site, origin: Start, report: Report, mood: Mood, allowed: Allowed, words: str
) -> None:
    failing = Moody()
    servers = [origin(failing), origin(moody.Moody()), origin(moody.Moody())]
    shared.routes.serve(*servers, bystander=origin(answer(b"bystander")))
    shared.converge(shared.routes.servers)
    with shared.load(host="bystander.test") as bystander, shared.load(posts=4) as load:
        failing.turn(mood)
        until(lambda: failing.met >= ENOUGH, "failures", timeout=120)
        met = failing.met
        failing.turn(moody.sound)
        load.wait_for(50)
    with shared.load(posts=4) as later:
        later.wait_for(200)
    converged = shared.converge(shared.routes.servers)
    name = f"one of three servers {mood.__name__.replace('_', ' ')}"
    report(name, load, converged=converged, may_fail=words)
    bystander.nothing_failed()
    later.nothing_failed()
    for failure in load.failures:
        assert allowed(failure), f"{failure}\n{load.story()}"
    assert len(load.failures) <= met + load.plan.clients + load.plan.posts
    # It was really met, and by clients whose requests could not be saved.
    assert load.failures or allowed is a_lost_post


def test_a_server_that_refuses_is_passed_over(shared: Site, origin: Start, report: Report) -> None:
    refusing = origin(answer(b"refusing"))
    shared.routes.serve(refusing, origin(answer(b"one")), origin(answer(b"two")))
    shared.converge(shared.routes.servers)
    with shared.load(posts=4) as load:
        load.wait_for(100)
        refusing.close()
        load.wait_for(200)
        with Origin(answer(b"again"), port=refusing.port) as again:
            again.wait_for_requests(20, timeout=60)
            load.wait_for(50)
            converged = shared.converge(shared.routes.servers)
    report(
        "one of three servers refuses connections, then is back",
        load,
        converged=converged,
        may_fail="POST: 502",
    )
    assert all(failure.a_lost_post for failure in load.failures), load.story()


def test_all_servers_fail_for_a_while(shared: Site, origin: Start, report: Report) -> None:
    moods = [Moody() for _ in range(3)]
    shared.routes.serve(*map(origin, moods), bystander=origin(answer(b"bystander")))
    shared.converge(shared.routes.servers)
    with shared.load(host="bystander.test") as bystander, shared.load(posts=4) as load:
        for mood in (moody.storms, moody.resets_at_once, moody.hangs):
            for each in moods:
                each.turn(mood)
            bystander.wait_for(300)
        for each in moods:
            each.turn(moody.sound)
        load.wait_for(100)
    with shared.load(posts=4) as later:
        later.wait_for(200)
    converged = shared.converge(shared.routes.servers)
    report(
        "all servers of a service fail for a while", load, converged=converged, may_fail="its own: 502-504"
    )
    assert load.failures
    assert all(failure.honest for failure in load.failures), load.story()
    bystander.nothing_failed()
    later.nothing_failed()
