"""Composite services on the wire: shares, sticky clients, and members without servers."""

from collections import Counter

import pytest
from msgspec.structs import replace

from proxy.balancing.sticky_cookie import cookie_value
from rondpoint.model import Composition, Member, Middleware, Server, Service, StickyCookie
from tests.lab import http
from tests.lab.origin import Start, http_response
from tests.lab.ports import free_port
from tests.proxy.running import Proxy


class Services:
    """Services that a test creates by name, and the hosts that lead to them."""

    def __init__(self, proxy: Proxy, origin: Start) -> None:
        self._proxy = proxy
        self._origin = origin

    def servers(self, name: str, *texts: str, **options: object) -> None:
        """Create a service whose servers respond with these texts."""
        made = tuple(
            Server(text, "127.0.0.1", self._origin(http_response(text.encode())).port) for text in texts
        )
        self._proxy.services[name] = replace(Service(name, made), **options)

    def composite(
        self, name: str, composition: Composition, *members: tuple[str, int], **options: object
    ) -> str:
        """Create a service of these members with their weights, and return the host that leads there."""
        host = self._proxy.route(free_port())
        bare = host.removesuffix(".test")
        del self._proxy.services[bare]
        service = Service(name, composition=composition, members=tuple(Member(*each) for each in members))
        self._proxy.services[name] = replace(service, **options)
        self._proxy.routers[bare] = replace(self._proxy.routers[bare], service=name)
        self._proxy.publish()
        return host


@pytest.fixture
def built(proxy: Proxy, origin: Start) -> Services:
    return Services(proxy, origin)


def test_requests_are_shared_by_weight(proxy: Proxy, built: Services) -> None:
    built.servers("v1", "old1", "old2")
    built.servers("v2", "new")
    built.servers("v3", "never")
    host = built.composite("app", "weighted", ("v1", 3), ("v2", 1), ("v3", 0))
    counts = Counter(proxy.get(host)[:3] for _ in range(40))
    assert counts.keys() == {"old", "new"}
    # Exact, unless a ticket was late.
    assert 7 <= counts["new"] <= 13
    assert {proxy.get(host) for _ in range(40)} == {"old1", "old2", "new"}


def test_a_member_without_servers_is_skipped(proxy: Proxy, built: Services) -> None:
    built.servers("v1")
    built.servers("v2", "new")
    host = built.composite("app", "weighted", ("v1", 9), ("gone", 9), ("v2", 1))
    assert [proxy.get(host) for _ in range(12)] == ["new"] * 12


def test_a_member_that_responds_with_a_status_takes_its_share(proxy: Proxy, built: Services) -> None:
    built.servers("v1", "good")
    built.servers("v2", unserved="there is no such server", responds_with=500)
    host = built.composite("app", "weighted", ("v1", 1), ("v2", 1))
    counts = Counter(proxy.status(host) for _ in range(20))
    assert counts.keys() == {200, 500}
    # Exact, unless a ticket was late.
    assert 8 <= counts[500] <= 12


@pytest.mark.parametrize("composition", ["weighted", "highestRandomWeight", "failover"])
def test_a_composite_service_without_any_server_gives_503(
    proxy: Proxy, built: Services, composition: Composition
) -> None:
    built.servers("v1")
    host = built.composite("app", composition, ("v1", 1), ("gone", 1))
    assert proxy.status(host) == 503
    host = built.composite("none", composition)
    assert proxy.status(host) == 503


def test_a_fallback_serves_as_long_as_the_first_has_no_server(proxy: Proxy, built: Services) -> None:
    built.servers("main", "main")
    built.servers("spare", "spare")
    host = built.composite("app", "failover", ("main", 1), ("spare", 1))
    assert {proxy.get(host) for _ in range(6)} == {"main"}
    before = proxy.services["main"]
    draining = replace(before, servers=tuple(replace(each, state="draining") for each in before.servers))
    for without in (replace(before, servers=()), draining):
        proxy.services["main"] = without
        proxy.publish()
        assert {proxy.get(host) for _ in range(6)} == {"spare"}
    # A draining server is better than none.
    proxy.services["spare"] = replace(proxy.services["spare"], servers=())
    proxy.publish()
    assert proxy.get(host) == "main"
    proxy.services["main"] = before
    proxy.publish()
    assert {proxy.get(host) for _ in range(6)} == {"main"}


def test_a_client_address_leads_to_the_same_member(proxy: Proxy, built: Services) -> None:
    for name in ("v1", "v2", "v3"):
        built.servers(name, name)
    host = built.composite("app", "highestRandomWeight", ("v1", 1), ("v2", 1), ("v3", 1))
    (mine,) = {proxy.get(host) for _ in range(9)}
    before = proxy.services[mine]
    proxy.services[mine] = replace(before, servers=())
    proxy.publish()
    (meanwhile,) = {proxy.get(host) for _ in range(9)}
    assert meanwhile != mine
    proxy.services[mine] = before
    proxy.publish()
    assert {proxy.get(host) for _ in range(9)} == {mine}


def cookies(response: http.Response) -> list[str]:
    return [value for name, value in response.headers if name.lower() == "set-cookie"]


def test_sticky_cookies_work_on_both_levels(proxy: Proxy, built: Services) -> None:
    built.servers("v1", "a", "b", sticky=StickyCookie("server"))
    built.servers("v2", "c", "d", sticky=StickyCookie("server"))
    host = built.composite("app", "weighted", ("v1", 1), ("v2", 1), sticky=StickyCookie("member"))
    first = http.request(proxy.web, host)
    member = "v1" if first.text in "ab" else "v2"
    assert cookies(first) == [
        f"member={cookie_value('app', member)}; Path=/",
        f"server={cookie_value(member, first.text)}; Path=/",
    ]
    sent = {"Cookie": "; ".join(cookie.partition(";")[0] for cookie in cookies(first))}
    for _ in range(6):
        again = http.request(proxy.web, host, headers=sent)
        assert (again.text, cookies(again)) == (first.text, [])
    proxy.services[member] = replace(proxy.services[member], servers=())
    proxy.publish()
    elsewhere = http.request(proxy.web, host, headers=sent)
    assert elsewhere.status == 200
    assert len(cookies(elsewhere)) == 2


def test_sticky_members_work_without_cookies_of_servers(proxy: Proxy, built: Services) -> None:
    built.servers("v1", "a", "b")
    built.servers("v2", "c", "d")
    host = built.composite("app", "weighted", ("v1", 1), ("v2", 1), sticky=StickyCookie("member"))
    for member, texts in (("v1", {"a", "b"}), ("v2", {"c", "d"})):
        headers = {"Cookie": f"member={cookie_value('app', member)}"}
        answers = [http.request(proxy.web, host, headers=headers) for _ in range(8)]
        assert {response.text for response in answers} == texts
        assert [cookies(response) for response in answers] == [[]] * 8


def test_composite_services_may_contain_each_other_but_not_themselves(proxy: Proxy, built: Services) -> None:
    built.servers("v1", "one")
    built.servers("v2", "two")
    built.composite("inner", "weighted", ("v1", 1), ("v2", 1))
    host = built.composite("outer", "failover", ("circle", 1), ("inner", 1))
    built.composite("circle", "weighted", ("circle", 1), ("ring", 1))
    circle = built.composite("ring", "weighted", ("circle", 1))
    assert {proxy.get(host) for _ in range(8)} == {"one", "two"}
    assert proxy.status(circle) == 503


def test_the_middlewares_of_a_member_apply_to_its_requests(
    proxy: Proxy, built: Services, origin: Start
) -> None:
    seen = origin(http_response(b"seen"))
    proxy.services["v1"] = Service("v1", (Server("s", "127.0.0.1", seen.port),), middlewares=("add@x",))
    proxy.middlewares["add@x"] = Middleware("add@x", "addPrefix", {"prefix": "/v1"})
    host = built.composite("app", "weighted", ("v1", 1))
    assert proxy.status(host, "/x") == 200
    assert seen.requests[-1].target == "/v1/x"
    proxy.middlewares["add@x"] = Middleware("add@x", "later", {})
    proxy.publish()
    assert proxy.status(host, "/x") == 503
    proxy.middlewares["add@x"] = Middleware("add@x", "inFlightReq", {"amount": 0})
    proxy.publish()
    assert proxy.status(host, "/x") == 429
    assert len(seen.requests) == 1


def test_a_changed_member_is_in_force(proxy: Proxy, built: Services) -> None:
    built.servers("v1", "before")
    host = built.composite("app", "weighted", ("v1", 1))
    assert proxy.get(host) == "before"
    built.servers("v1", "after")
    proxy.publish()
    assert proxy.get(host) == "after"
