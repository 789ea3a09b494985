"""Traefik 3 and Rondpoint respond alike to the same requests, with the same labels on services of a Swarm.

DIFFERENCES lists intended differences. They are tested, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec import Struct, field

from tests.lab.installation import Installation, start
from tests.lab.processes import Processes
from tests.lab.swarm import DNSRR, NETWORK, Swarm
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(300)

FLAGS = (
    "--providers.swarm.constraints=!Label(`skip`, `yes`)",
    "--providers.swarm.defaultRule=Host(`{{ normalize .Name }}.test`)",
    "--providers.swarm.refreshSeconds=1",
)
SERVER = "traefik.http.services.{}.loadbalancer.server.port"
RULE = "traefik.http.routers.{}.rule"


class Case(Struct, frozen=True):
    """A service, and requests (`METHOD host/path`) with the status that both proxies give."""

    labels: Mapping[str, str]
    requests: Mapping[str, int]
    replicas: int | None = 1
    options: Mapping[str, Any] = field(default_factory=dict)


CASES: dict[str, Case] = {
    "plain": Case({SERVER.format("plain"): "80"}, {"plain.test/": 200, "plain/": 404, "PLAIN.test/x?y": 200}),
    "shop_web": Case({SERVER.format("x1"): "80"}, {"shop-web.test/": 200, "shop_web.test/": 404}),
    "pair": Case(
        {SERVER.format("pair"): "80", RULE.format("pair"): "Host(`pair.test`) && PathPrefix(`/api`)"},
        {"pair.test/api/v1": 200, "pair.test/other": 404},
        replicas=2,
    ),
    "everywhere": Case({SERVER.format("x2"): "80"}, {"everywhere.test/": 200}, replicas=None),
    "portless": Case({RULE.format("portless"): "Host(`portless.test`)"}, {"portless.test/": 404}),
    "wrong-port": Case({SERVER.format("wrong"): "81"}, {"wrong-port.test/": 502}),
    "disabled": Case({SERVER.format("x3"): "80", "traefik.enable": "false"}, {"disabled.test/": 404}),
    "skipped": Case({SERVER.format("x4"): "80", "skip": "yes"}, {"skipped.test/": 404}),
    "named-network": Case(
        {SERVER.format("x5"): "80", "traefik.swarm.network": NETWORK}, {"named-network.test/": 200}
    ),
    "old-network": Case(
        {SERVER.format("x6"): "80", "traefik.docker.network": NETWORK}, {"old-network.test/": 200}
    ),
    "missing-network": Case(
        {SERVER.format("x7"): "80", "traefik.swarm.network": "nowhere"}, {"missing-network.test/": 200}
    ),
    "both-kinds": Case(
        {
            SERVER.format("x8"): "80",
            "traefik.swarm.network": NETWORK,
            "traefik.docker.network": NETWORK,
        },
        {"both-kinds.test/": 404},
    ),
    "none": Case({SERVER.format("x9"): "80"}, {"none.test/": 404}, replicas=0),
    "dnsrr": Case(
        {SERVER.format("x10"): "80", "traefik.swarm.lbswarm": "true"},
        {"dnsrr.test/": 404},
        options={"endpoint_spec": DNSRR},
    ),
    "guarded": Case(
        {
            SERVER.format("guarded"): "80",
            RULE.format("guarded"): "Host(`guarded.test`)",
            "traefik.http.routers.guarded.middlewares": "strip,users@swarm",
            "traefik.http.middlewares.strip.stripprefix.prefixes": "/a",
            "traefik.http.middlewares.users.basicauth.users": "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
            RULE.format("open"): "Host(`open.test`)",
            "traefik.http.routers.open.middlewares": "strip",
        },
        {"guarded.test/a/b": 401, "open.test/a/b": 200, "POST open.test/b": 200},
    ),
    "borrower": Case(
        {
            SERVER.format("borrower"): "80",
            RULE.format("borrower"): "Host(`borrower.test`)",
            "traefik.http.routers.borrower.service": "pair@swarm",
            "traefik.http.routers.borrower.middlewares": "strip@swarm",
        },
        {"borrower.test/a/c": 200},
    ),
    "hosty": Case(
        {SERVER.format("hosty"): "80", RULE.format("hosty"): "Host(`hosty.test`)"},
        {"hosty.test/": 404},
        options={"networks": ["host"]},
    ),
}

DIFFERENCES = {"hosty.test/": 200, "dnsrr.test/": 200}
"""Rondpoint's status, if it is another one.

Tasks in the host's network are reached at their node. Without a virtual IP, the tasks are used; Traefik says
the same in its log, but leaves the service out.
"""

Outcome = tuple[int, frozenset[str], frozenset[str | None]]


@pytest.fixture(scope="module")
def proxies(
    swarm: Swarm, create: Callable[..., Any], running: Processes
) -> tuple[Installation, Installation]:
    """Rondpoint and Traefik, both with all services."""
    services = [(_create(create, name, case), case) for name, case in CASES.items()]
    flags = (*FLAGS, f"--providers.swarm.endpoint={swarm.manager.socket_url}")
    gateway: Any = swarm.gateway
    ours = start(running, "--workers=1", "--providers.docker=false", *flags, engine=gateway)
    theirs = start_traefik(running, *flags, engine=gateway)
    for service, case in services:
        if case.replicas != 0:
            swarm.wait_for(service, case.replicas or 2)
    for case in CASES.values():
        for line, status in case.requests.items():
            if status == 200:
                for proxy in (ours, theirs):
                    until(lambda proxy=proxy, line=line: outcome(proxy, line)[0] == 200, line)  # type: ignore[misc]
    return ours, theirs


def _create(create: Callable[..., Any], name: str, case: Case) -> Any:
    """Create the service of a case on the manager, or on both nodes if it is global."""
    on = "" if case.replicas is None else "manager"
    return create(name, case.labels, replicas=case.replicas, on=on, **case.options)


def outcome(proxy: Installation, line: str) -> Outcome:
    """Send four equal requests; return the status, and the containers and targets that they reached."""
    method, _, rest = line.rpartition(" ")
    host, slash, target = rest.partition("/")
    responses = [proxy.request(host, slash + target, method=method or "GET") for _ in range(4)]
    status = responses[0].status
    if {response.status for response in responses} != {200}:
        return status, frozenset(), frozenset()
    return (
        status,
        frozenset(response.text for response in responses),
        frozenset(response.header("X-Target") for response in responses),
    )


@pytest.mark.parametrize(
    ("line", "status"),
    [(line, status) for case in CASES.values() for line, status in case.requests.items()],
    ids=[line for case in CASES.values() for line in case.requests],
)
def test_the_same_labels_and_requests_have_the_same_outcome(
    line: str, status: int, proxies: tuple[Installation, Installation]
) -> None:
    ours, theirs = proxies
    assert outcome(theirs, line)[0] == status
    assert outcome(ours, line)[0] == DIFFERENCES.get(line, status)
    if line not in DIFFERENCES:
        # Traefik may not have read the last task yet.
        until(lambda: outcome(ours, line) == outcome(theirs, line), line, timeout=20.0)


def test_there_are_enough_requests() -> None:
    lines = {line for case in CASES.values() for line in case.requests}
    assert len(lines) >= 20
    assert set(DIFFERENCES) <= lines
