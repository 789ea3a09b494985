"""The key-value provider on a real Consul, with changes, aliases, outages and data loss."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from discovery.merging.merge import merge
from discovery.providers.consul_keys import consul_provider
from discovery.providers.key_value import KeyValueProvider, retained_keys
from rondpoint.configuration import Configuration
from rondpoint.settings import ConsulOptions
from rondpoint.tls.model import TlsOptions
from tests.discovery.certificates.pairs import make_pair
from tests.discovery.providers.key_value.keys import V1, V3, assert_both_layouts, has, route, rules
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.consul import Consul
from tests.lab.ports import free_port
from tests.lab.waiting import until


def provider_of(*agents: Consul | str, **options: Any) -> KeyValueProvider:
    addresses = tuple(each if isinstance(each, str) else each.address for each in agents)
    return consul_provider(ConsulOptions(endpoints=addresses, **options))


def write(consul: Consul, keys: Mapping[str, str | bytes]) -> None:
    for key, value in keys.items():
        consul.put(f"/v1/kv/{key}", value)


def test_both_layouts(consul: Consul) -> None:
    write(consul, {**V1, **V3})
    with watched(provider_of(consul)) as running:
        assert_both_layouts(running.next(), "consul")


def test_certificates_in_keys_and_in_files_that_keys_name(consul: Consul, tmp_path: Path) -> None:
    texts = make_pair("text.test")
    file, key = tmp_path / "a.pem", tmp_path / "a.key"
    key.write_text(texts.key)
    write(
        consul,
        {
            "traefik/tls/certificates/0/certFile": texts.certificate,
            "traefik/tls/certificates/0/keyFile": texts.key,
            "traefik/tls/old/entrypoints": "web",
            "traefik/tls/old/certificate/certfile": str(file),
            "traefik/tls/old/certificate/keyfile": str(key),
            "traefik/tls/options/strict/sniStrict": "true",
        },
    )

    def presents(*names: str) -> Callable[[Configuration], bool]:
        expected = {("text.test", ()), *((name, ("web",)) for name in names)}
        return lambda found: (
            {(each.names[0], each.entry_points) for each in found.certificates.values()} == expected
        )

    with watched(provider_of(consul)) as running:
        found = running.next()
        assert presents()(found)
        assert found.tls_options == {"strict@consul": TlsOptions("strict@consul", sni_strict=True)}
        (diagnostic,) = found.diagnostics
        assert diagnostic.message.startswith(f"tls.old.certificate.certFile={file} cannot be read")
        # No key changes.
        for name in ("one.test", "two.test"):
            file.write_text(make_pair(name).certificate)
            assert running.until(presents(name)).diagnostics == ()


def test_keys_that_are_put_add_a_route_and_deleted_ones_remove_it(consul: Consul) -> None:
    with watched(provider_of(consul)) as running:
        assert rules(running.next()) == set()
        write(consul, route("a.test"))
        running.until(has("Host:a.test"))
        write(consul, {"traefik/frontends/f/routes/r/rule": "Host:b.test"})
        running.until(has("Host:b.test"))
        consul.request("DELETE", "/v1/kv/traefik/frontends/f?recurse")
        running.until(has())


def test_idle_keys_cost_no_traffic(consul: Consul) -> None:
    with watched(provider_of(consul)) as running:
        running.next()
        write(consul, route("a.test"))
        running.until(has("Host:a.test"))
        until(lambda: _requests(consul, "/v1/kv/traefik/") > 2, "the answers")

        def idle() -> bool:
            before = _requests(consul, "")
            time.sleep(2)
            return _requests(consul, "") == before

        until(idle, "no traffic")


def _requests(consul: Consul, path: str) -> int:
    return consul.process.log.count(f"Request finished: method=GET url={path}")


def test_another_root_key(consul: Consul) -> None:
    write(consul, {**route("a.test", "web/edge"), **route("b.test")})
    with watched(provider_of(consul, root_key="/web/edge/")) as running:
        assert rules(running.next()) == {"Host:a.test"}


def test_an_alias_switches_everything_at_once(consul: Consul) -> None:
    write(consul, route("root.test"))
    write(consul, {**route("one.test", "configurations/1"), **route("two.test", "configurations/2")})
    with watched(provider_of(consul)) as running:
        assert rules(running.next()) == {"Host:root.test"}
        write(consul, {"traefik/alias": "/configurations/1"})
        seen: set[frozenset[str]] = set()

        def switched(found: Configuration, to: str) -> bool:
            seen.add(frozenset(rules(found)))
            return rules(found) == {to}

        running.until(lambda found: switched(found, "Host:one.test"))
        write(consul, {"traefik/alias": "configurations/2/"})
        running.until(lambda found: switched(found, "Host:two.test"))
        write(consul, {"configurations/2/frontends/f/routes/r/rule": "Host:three.test"})
        running.until(lambda found: switched(found, "Host:three.test"))
        # Keys below the old prefix are no longer read.
        write(consul, {"configurations/1/frontends/f/routes/r/rule": "Host:unseen.test"})
        consul.request("DELETE", "/v1/kv/traefik/alias")
        running.until(lambda found: switched(found, "Host:root.test"))
    assert seen == {frozenset({f"Host:{each}.test"}) for each in ("root", "one", "two", "three")}


def test_an_alias_applies_from_the_start(consul: Consul) -> None:
    write(consul, {"traefik/alias": "elsewhere", **route("root.test"), **route("one.test", "elsewhere")})
    with watched(provider_of(consul)) as running:
        assert rules(running.next()) == {"Host:one.test"}


def test_a_frontend_without_its_backend_is_left_out_with_a_diagnostic(consul: Consul) -> None:
    write(consul, {**route("a.test"), "traefik/frontends/f/backend": "nobody"})
    with watched(provider_of(consul)) as running:
        merged = merge({"consul": running.next()}, ["web"])
    assert merged.routers == {}
    assert any("nobody" in each.message for each in merged.diagnostics)


def test_keys_and_values_that_are_no_text_affect_nothing_else(consul: Consul) -> None:
    write(consul, {**route("a.test"), "traefik/frontends/f/priority": b"\xff\xfe"})
    write(consul, {"traefik/frontends/x%FFy/backend": "b"})
    with watched(provider_of(consul)) as running:
        found = running.next()
    assert rules(found) == {"Host:a.test"}
    diagnostic = " ".join(each.message for each in found.diagnostics)
    assert "traefik/frontends/f/priority is not UTF-8 text" in diagnostic
    assert "\\ufffd" in diagnostic or "\ufffd" in diagnostic


def test_a_value_as_large_as_consul_takes_one_is_read(consul: Consul) -> None:
    write(consul, {**route("a.test"), "traefik/frontends/f/priority": "9" * 512 * 1024})
    with watched(provider_of(consul)) as running:
        found = running.next()
    assert rules(found) == {"Host:a.test"}
    (diagnostic,) = found.diagnostics
    assert "frontends.f.priority" in diagnostic.message
    assert len(diagnostic.message) < 1000


def test_the_next_endpoint_is_used_if_one_is_down(consul: Consul) -> None:
    write(consul, route("a.test"))
    nobody = f"127.0.0.1:{free_port()}"
    with watched(provider_of(nobody, consul)) as running:
        assert rules(running.next()) == {"Host:a.test"}


def test_routes_outlive_an_outage_and_forgotten_keys_are_kept_for_a_while(
    consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retained_keys, "RETENTION", 8.0)
    write(consul, route("a.test"))
    with supervised(provider_of(consul)) as running:
        running.until(has("Host:a.test"))
        consul.kill()
        running.until_failing("connection refused")
        assert rules(running.configuration) == {"Host:a.test"}
        consul.start()
        write(
            consul, {"traefik/frontends/g/backend": "b", "traefik/frontends/g/routes/r/rule": "Host:b.test"}
        )
        running.until(has("Host:a.test", "Host:b.test"))
        running.until(has("Host:b.test"))
        write(consul, route("c.test"))
        running.until(has("Host:b.test", "Host:c.test"))


def test_the_missing_permission_of_a_token_is_reported(tmp_path: Path) -> None:
    with Consul(tmp_path, acl=True) as consul:
        write(consul, route("a.test"))
        for rules_ in ("", 'key_prefix "other/" { policy = "read" }'):
            token = consul.make_token(rules_) if rules_ else ""
            with supervised(provider_of(consul, token=token)) as running:
                running.until_failing("key:read on 'traefik/")
        token = consul.make_token('key_prefix "traefik/" { policy = "read" }')
        with supervised(provider_of(consul, token=token)) as running:
            running.until(has("Host:a.test"))


def test_without_watch_it_is_read_once(consul: Consul) -> None:
    with watched(provider_of(consul, watch=False)) as running:
        running.next()
        write(consul, route("a.test"))
        assert running.quiet(1)
