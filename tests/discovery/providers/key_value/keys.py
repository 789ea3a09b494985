"""Keys of routes in both layouts, for the tests of all stores of keys."""

from collections.abc import Callable

from rondpoint.configuration import Configuration

V1 = {
    "traefik/backends/backend1/servers/server1/url": "http://10.0.0.1:80",
    "traefik/backends/backend1/servers/server1/weight": "10",
    "traefik/backends/backend1/servers/server2/url": "http://10.0.0.2:80",
    "traefik/frontends/frontend1/backend": "backend1",
    "traefik/frontends/frontend1/passhostheader": "false",
    "traefik/frontends/frontend1/priority": "7",
    "traefik/frontends/frontend1/entrypoints": "web,other",
    "traefik/frontends/frontend1/routes/main/rule": "Host:one.test",
}
V3 = {
    "traefik/http/routers/R/rule": "Host(`three.test`)",
    "traefik/http/routers/R/service": "S",
    "traefik/http/routers/R/entrypoints/0": "web",
    "traefik/http/routers/R/entrypoints/1": "other",
    "traefik/http/services/S/loadbalancer/servers/0/url": "http://10.0.0.3:80",
    "traefik/http/services/S/loadbalancer/servers/1/url": "http://10.0.0.4:80",
}


def route(host: str, prefix: str = "traefik", server: str = "10.0.0.9") -> dict[str, str]:
    """Return the keys of a route to one server, in Traefik 1's layout."""
    return {
        f"{prefix}/backends/b/servers/s/url": f"http://{server}:80",
        f"{prefix}/frontends/f/backend": "b",
        f"{prefix}/frontends/f/routes/r/rule": f"Host:{host}",
    }


def many_routes(count: int) -> dict[str, str]:
    """Return the keys of `count` routers and services in Traefik 3's layout."""
    keys = {}
    for number in range(count):
        router, service = f"traefik/http/routers/r{number}", f"traefik/http/services/s{number}"
        keys[f"{router}/rule"] = f"Host(`h{number}.test`)"
        keys[f"{router}/service"] = f"s{number}"
        keys[f"{service}/loadBalancer/servers/0/url"] = f"http://10.0.{number // 250}.{number % 250 + 1}:80"
    return keys


def rules(found: Configuration) -> set[str]:
    return {router.rule.text for router in found.routers.values()}


def has(*texts: str) -> Callable[[Configuration], bool]:
    return lambda found: rules(found) == set(texts)


def assert_both_layouts(found: Configuration, provider: str) -> None:
    """Check the routes of V1 and V3."""
    old, new = found.routers[f"frontend1@{provider}"], found.routers[f"R@{provider}"]
    assert (old.rule.text, old.priority, old.pass_host_header) == ("Host:one.test", 7, False)
    assert (new.rule.text, new.service) == ("Host(`three.test`)", f"S@{provider}")
    assert old.entry_points == new.entry_points == ("web", "other")
    assert [(each.url, each.weight) for each in found.services[f"backend1@{provider}"].servers] == [
        ("http://10.0.0.1:80", 10),
        ("http://10.0.0.2:80", 1),
    ]
    assert [each.url for each in found.services[f"S@{provider}"].servers] == [
        "http://10.0.0.3:80",
        "http://10.0.0.4:80",
    ]
    assert found.diagnostics == ()
