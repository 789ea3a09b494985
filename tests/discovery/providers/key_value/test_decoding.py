"""Keys are decoded part by part, with the result of decoding all at once."""

import random

import pytest
from msgspec.structs import asdict

from discovery.certificates.reader import CertificateReader
from discovery.providers.key_value.decoding import DecodedKeys
from rondpoint.configuration import Configuration
from tests.discovery.certificates.pairs import make_pair

ROUTER = {"http/routers/r/rule": "Host(`a.test`)", "http/routers/r/service": "s"}
SERVICE = {"http/services/s/loadBalancer/servers/0/url": "http://10.0.0.1"}
INVALID = {"http/services/s/loadBalancer/servers/0/url": None, "http/services/s/loadBalancers": "x"}
FRONTEND = {"frontends/f/backend": "b", "frontends/f/routes/main/rule": "Host:b.test"}
BACKEND = {"backends/b/servers/s/url": "http://10.0.0.2"}
TCP = {
    "tcp/routers/r/rule": "HostSNI(`*`)",
    "tcp/routers/r/service": "s",
    "tcp/services/s/loadBalancer/servers/0/address": "10.0.0.1:5432",
}
PAIR = make_pair("a.test")


def decoded(keys: dict[str, str]) -> DecodedKeys:
    found = DecodedKeys("store", "root", CertificateReader("store", str))
    found.apply(encode(keys))
    return found


def encode(keys: dict[str, str | None]) -> dict[str, bytes | None]:
    return {f"root/{key}": None if value is None else value.encode() for key, value in keys.items()}


def contents(found: Configuration) -> dict[str, object]:
    """Return the configuration in a form that does not depend on the order of changes."""
    return {**asdict(found), "diagnostics": sorted(map(str, found.diagnostics))}


STEPS = {
    "a service is added, changed and removed": [
        ROUTER,
        SERVICE,
        {"http/services/s/loadBalancer/servers/1/url": "http://10.0.0.3"},
        dict.fromkeys((*SERVICE, "http/services/s/loadBalancer/servers/1/url")),
    ],
    "a service becomes invalid, and valid again": [
        ROUTER | SERVICE,
        INVALID,
        SERVICE,
        {"http/services/s/loadBalancer/servers/0/url": "nonsense"},
    ],
    "a router names another service": [
        ROUTER | SERVICE | {"http/services/t/weighted/services/0/name": "s"},
        INVALID,
        {"http/routers/r/service": "t"},
        {"http/services/s/loadBalancer/servers/0/url": "http://10.0.0.9"},
    ],
    "a backend gets a limit, and loses it": [
        FRONTEND | BACKEND,
        {"backends/b/maxconn/amount": "10", "backends/b/maxconn/extractorfunc": "client.ip"},
        {"backends/b/maxconn/amount": "x"},
        {"backends/b/maxconn/amount": None, "backends/b/maxconn/extractorfunc": None},
        {"backends/b/servers/s/url": None},
    ],
    "a service of TCP becomes invalid, and valid again": [
        TCP,
        {"tcp/services/s/loadBalancer/servers/0/address": None, "tcp/services/s/loadBalancers": "x"},
        {
            "tcp/services/s/loadBalancer/servers/0/address": "10.0.0.1:5432",
            "tcp/routers/r/tls/passthrough": "true",
        },
        {"tcp/routers/r/rule": "HostSNI(`a.test`)", "tcp/services/s/loadBalancer/healthCheck/interval": "5s"},
        {"tcp/middlewares/lan/ipAllowList/sourceRange/0": "10.0.0.0/8", "tcp/routers/r/middlewares/0": "lan"},
        {"tcp/serversTransports/t/dialTimeout": "1s", "tcp/services/s/loadBalancer/serversTransport": "t"},
    ],
    "a service of UDP is added, becomes invalid, and is removed": [
        {"udp/routers/r/service": "s", "udp/routers/r/entryPoints/0": "dns", **ROUTER, **SERVICE},
        {"udp/services/s/loadBalancer/servers/0/address": "10.0.0.1:53"},
        {"udp/services/s/loadBalancer/servers/0/address": None, "udp/services/s/loadBalancers": "x"},
        {"udp/services/s/loadBalancers": None},
    ],
    "a section of TCP is misspelt, and corrected": [
        TCP | ROUTER | SERVICE,
        {"tcp/router/r/middlewares/0": "lan"},
        {"tcp/router/r/middlewares/0": None},
    ],
    "a section is misspelt, and corrected": [
        ROUTER | SERVICE | FRONTEND | BACKEND,
        {"http/router/r/middlewares/0": "auth", "HTTP/routers/q/rule": "Host(`q.test`)"},
        {"http/routers/r/rule": "Host(`c.test`)"},
        {"http/router/r/middlewares/0": None, "http/routers/r/middlewares/0": "auth"},
    ],
    "certificates and TLS options": [
        {"tls/certificates/0/certFile": PAIR.certificate, "tls/certificates/0/keyFile": PAIR.key},
        {"tls/options/strict/sniStrict": "true", **ROUTER},
        {"tls/certificates/0/keyFile": None},
    ],
    "keys that are wrong": [
        {"http": "x", "http/routers": "y", "http//a": "z", "htp/routers/r/rule": "Host(`a.test`)"},
        {"backends": "x", "frontends/f": "y", "unknown": "z", "tls": "v"},
        ROUTER | SERVICE | FRONTEND | BACKEND,
        {"http": None, "http/routers": None, "http//a": None},
    ],
    "middlewares and transports": [
        {"http/middlewares/m/addPrefix/prefix": "/a", "http/serversTransports/t/serverName": "x.test"},
        {"http/middlewares/m/addPrefix/prefix": None, "http/middlewares/m/stripPrefix/prefixes/0": "/a"},
        {"http/middlewares/m/stripPrefix/prefixes/0": None, "http/serversTransports/t/serverName": None},
    ],
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_changes_lead_to_what_all_keys_at_once_would(steps: list[dict[str, str | None]]) -> None:
    found, keys = decoded({}), {}
    for step in steps:
        found.apply(encode(step))
        keys = {key: value for key, value in {**keys, **step}.items() if value is not None}
        assert contents(found.configuration()) == contents(decoded(keys).configuration())


def test_random_changes_lead_to_what_all_keys_at_once_would() -> None:
    pool = [
        (key, value)
        for steps in STEPS.values()
        for step in steps
        for key, value in step.items()
        if "tls/cert" not in key
    ]
    dice, found, keys = random.Random(7), decoded({}), {}
    for _ in range(120):
        step = dict(dice.sample(pool, 3))
        found.apply(encode(step))
        keys = {key: value for key, value in {**keys, **step}.items() if value is not None}
        assert contents(found.configuration()) == contents(decoded(keys).configuration()), step


def test_objects_of_unchanged_parts_stay_the_same() -> None:
    found = decoded(ROUTER | SERVICE | FRONTEND | BACKEND)
    before = found.configuration()
    found.apply(encode({"http/services/s/loadBalancer/servers/0/url": "http://10.0.0.7"}))
    after = found.configuration()
    assert after.services["s@store"] != before.services["s@store"]
    assert after.services["b@store"] is before.services["b@store"]
    for name, router in before.routers.items():
        assert after.routers[name] is router


def test_objects_of_tcp_and_udp_are_parts_too() -> None:
    udp = {"udp/routers/u/service": "t", "udp/services/t/loadBalancer/servers/0/address": "10.0.0.1:53"}
    found = decoded(TCP | udp)
    before = found.configuration()
    assert before.diagnostics == ()
    found.apply(encode({"tcp/services/s/loadBalancer/servers/0/address": "10.0.0.7:5432"}))
    after = found.configuration()
    assert [server.address for server in after.tcp_services["s@store"].servers] == ["10.0.0.7:5432"]
    assert after.tcp_routers["r@store"] is before.tcp_routers["r@store"]
    assert after.udp_services["t@store"] is before.udp_services["t@store"]


def test_the_faults_of_a_service_are_not_repeated_by_its_routers() -> None:
    routers = ROUTER | {"http/routers/q/rule": "Host(`q.test`)", "http/routers/q/service": "s"}
    found = decoded({**routers, "http/services/s/sticky": "x"}).configuration()
    assert found.routers == {}
    about = [each.about for each in found.diagnostics if "service s@" in each.about or "router" in each.about]
    assert sorted(set(about)) == ["router q@store", "router r@store", "service s@store"]
    assert len({str(each) for each in found.diagnostics}) == len(found.diagnostics)


def test_empty_folders_as_some_stores_write_them_have_no_effect() -> None:
    folders = dict.fromkeys(("http", "http/routers", "http/services", "backends", "frontends"), "")
    found = decoded(folders).configuration()
    assert (found.diagnostics, found.routers) == ((), {})
    assert contents(decoded({**folders, **ROUTER, **SERVICE}).configuration()) == contents(
        decoded(ROUTER | SERVICE).configuration()
    )
