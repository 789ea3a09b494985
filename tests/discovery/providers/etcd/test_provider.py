"""The provider of etcd's keys on a real etcd: changes, compaction, users, TLS, outages and lost data."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from discovery.providers.etcd import client, etcd_provider
from discovery.providers.key_value import KeyValueProvider, retained_keys
from rondpoint.settings import EtcdOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.key_value.keys import (
    V1,
    V3,
    assert_both_layouts,
    has,
    many_routes,
    route,
    rules,
)
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.certificate import write_certificate
from tests.lab.etcd import Etcd
from tests.lab.http_server import Handler, HttpServer
from tests.lab.ports import free_port


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """One etcd for the tests that do not stop it."""
    with Etcd(tmp_path_factory.mktemp("etcd")) as running:
        yield running


@pytest.fixture
def etcd(shared: Etcd) -> Etcd:
    """The etcd of this module, without keys."""
    for prefix in ("traefik", "elsewhere"):
        shared.delete_below(prefix)
    return shared


def provider_of(*members: Etcd | str, **options: Any) -> KeyValueProvider:
    addresses = tuple(each if isinstance(each, str) else each.address for each in members)
    return etcd_provider(read_section(EtcdOptions, {"endpoints": addresses, **options}))


def test_both_layouts(etcd: Etcd) -> None:
    etcd.write({**V1, **V3})
    with watched(provider_of(etcd)) as running:
        assert_both_layouts(running.next(), "etcd")


def test_keys_that_are_put_add_a_route_and_deleted_ones_remove_it(etcd: Etcd) -> None:
    with watched(provider_of(etcd)) as running:
        assert rules(running.next()) == set()
        etcd.write(route("a.test"))
        running.until(has("Host:a.test"))
        etcd.write({"traefik/frontends/f/routes/r/rule": "Host:b.test", "traefikx/frontends/g/backend": "b"})
        running.until(has("Host:b.test"))
        etcd.delete_below("traefik/frontends/")
        running.until(has())


def test_a_transaction_is_one_change(etcd: Etcd) -> None:
    etcd.write(route("a.test"))
    with watched(provider_of(etcd)) as running:
        running.next()
        etcd.write(
            {
                "traefik/frontends/f/routes/r/rule": None,
                "traefik/frontends/f/backend": None,
                **V3,
            }
        )
        assert rules(running.next()) == {"Host(`three.test`)"}


def test_an_alias_switches_everything_at_once(etcd: Etcd) -> None:
    etcd.write({**route("root.test"), **route("one.test", "elsewhere/1"), **route("two.test", "elsewhere/2")})
    with watched(provider_of(etcd)) as running:
        assert rules(running.next()) == {"Host:root.test"}
        for target, host in (("elsewhere/1", "one"), ("/elsewhere/2/", "two"), (None, "root")):
            etcd.write({"traefik/alias": target})
            assert rules(running.next()) == {f"Host:{host}.test"}


def test_a_change_costs_what_changed(etcd: Etcd) -> None:
    etcd.write(many_routes(300))
    with watched(provider_of(etcd)) as running:
        before = running.until(lambda found: len(found.routers) == 300)
        etcd.write({"traefik/http/services/s7/loadBalancer/servers/1/url": "http://10.9.9.9:80"})
        after = running.next(5)
    changed = [name for name, each in after.services.items() if each is not before.services[name]]
    assert changed == ["s7@etcd"]
    assert all(each is before.routers[name] for name, each in after.routers.items())


def test_a_compacted_revision_is_read_anew(etcd: Etcd, tmp_path: Path) -> None:
    # Changes that etcd compacts while it is away are no longer in its history.
    with Etcd(tmp_path) as other, supervised(provider_of(other)) as running:
        other.write(route("a.test"))
        running.until(has("Host:a.test"))
        other.restart()
        other.write({"traefik/frontends/f/routes/r/rule": "Host:b.test"})
        other.compact()
        running.until(has("Host:b.test"))
        other.write({"traefik/frontends/f/routes/r/rule": "Host:c.test"})
        running.until(has("Host:c.test"))


def test_keys_deleted_during_an_outage_are_gone_and_others_stay(tmp_path: Path) -> None:
    with Etcd(tmp_path) as etcd, supervised(provider_of(etcd)) as running:
        etcd.write({**route("a.test"), **V3})
        running.until(has("Host:a.test", "Host(`three.test`)"))
        etcd.kill()
        running.until_failing("connection refused")
        assert has("Host:a.test", "Host(`three.test`)")(running.configuration)
        etcd.start()
        etcd.delete_below("traefik/frontends/")
        running.until(has("Host(`three.test`)"))
        running.until_ok()


def test_an_etcd_that_comes_back_empty_loses_its_routes_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retained_keys, "RETENTION", 2.0)
    with Etcd(tmp_path, keep=False) as etcd, supervised(provider_of(etcd)) as running:
        etcd.write(route("a.test"))
        running.until(has("Host:a.test"))
        etcd.restart()
        etcd.write(V3)
        running.until(has("Host:a.test", "Host(`three.test`)"))
        began = time.monotonic()
        running.until(has("Host(`three.test`)"))
        assert time.monotonic() - began > 0.5


def test_a_frozen_member_is_noticed_and_an_idle_watch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WATCH_TIMEOUT", 0.4)
    with Etcd(tmp_path) as etcd, supervised(provider_of(etcd)) as running:
        etcd.write(route("a.test"))
        running.until(has("Host:a.test"))
        etcd.freeze()
        running.until_failing("does not respond in time")
        assert has("Host:a.test")(running.configuration)
        etcd.thaw()
        etcd.write({"traefik/frontends/f/routes/r/rule": "Host:b.test"})
        running.until(has("Host:b.test"))
        running.until_ok()


def test_the_next_member_is_used_if_one_is_down(etcd: Etcd) -> None:
    etcd.write(route("a.test"))
    with watched(provider_of(f"127.0.0.1:{free_port()}", etcd)) as running:
        assert rules(running.next()) == {"Host:a.test"}


def test_users_and_their_rights(tmp_path: Path) -> None:
    with Etcd(tmp_path) as etcd:
        etcd.write(route("a.test"))
        etcd.add_user("root", "secret")
        etcd.add_user("reader", "word", "traefik/")
        etcd.add_user("stranger", "word", "other/")
        etcd.enable_users("root", "secret")
        reader = {"username": "reader", "password": "word"}
        for options, words in (
            ({}, "set providers.etcd.username"),
            ({**reader, "password": "x"}, "check providers.etcd.username"),
            ({**reader, "username": "stranger"}, "--prefix=true read traefik/"),
        ):
            with supervised(provider_of(etcd, **options)) as refused:
                refused.until_failing(words)
        with supervised(provider_of(etcd, **reader)) as running:
            running.until(has("Host:a.test"))
            etcd.restart()
            etcd.log_in("root", "secret")
            etcd.write({"traefik/frontends/f/routes/r/rule": "Host:b.test"})
            running.until(has("Host:b.test"))


def test_a_user_is_harmless_if_etcd_has_no_users(etcd: Etcd) -> None:
    etcd.write(route("a.test"))
    with watched(provider_of(etcd, username="u", password="p")) as running:
        assert rules(running.next()) == {"Host:a.test"}


def test_certificates_of_client_and_server_are_verified(tmp_path: Path) -> None:
    # One self-signed certificate serves as authority, server and client certificate.
    key, ca = write_certificate(tmp_path / "key.pem"), tmp_path / "ca.pem"
    # etcd refuses a file of authorities that holds a key too.
    ca.write_text(key.read_text()[key.read_text().index("-----BEGIN CERTIFICATE") :])
    with Etcd(tmp_path, tls={"cert": ca, "key": key, "ca": ca}) as etcd:
        own = {"cert": str(ca), "key": str(key)}
        for options in ({**own, "ca": str(ca)}, {**own, "insecureSkipVerify": True}):
            with watched(provider_of(etcd, tls=options)) as running:
                assert rules(running.next()) == set()
        for options in ({"ca": str(ca)}, own):
            with supervised(provider_of(etcd, tls=options)) as refused:
                refused.until_failing("no TLS with etcd")


class _OtherApi(Handler):
    def do_GET(self) -> None:  # noqa: N802 (a method of the base class)
        self.reply(200, b"{}")


def test_a_server_that_is_not_etcd_is_named() -> None:
    with HttpServer(_OtherApi) as other, supervised(provider_of(other.url)) as running:
        running.until_failing("is not etcd's API v3")


def test_an_address_that_cannot_be_used_is_named() -> None:
    for address, words in (("etcd:x", "no usable port"), ("http://a:1", "is http, but")):
        with supervised(provider_of(address, tls={})) as running:
            running.until_failing(words)


def test_without_watch_it_is_read_once(etcd: Etcd) -> None:
    with watched(provider_of(etcd, watch=False)) as running:
        running.next()
        etcd.write(route("a.test"))
        assert running.quiet(0.5)


def test_a_cluster_without_a_leader_keeps_routes(tmp_path: Path) -> None:
    members = [Etcd(tmp_path)]
    for _ in range(2):
        members.append(Etcd(tmp_path, cluster=members))
    for each in members:
        each.members = members
        each.start(wait=False)
    try:
        for each in members:
            each.wait_until_ready()
        members[0].write(route("a.test"))
        with supervised(provider_of(*members[:2])) as running:
            running.until(has("Host:a.test"))
            for each in members[1:]:
                each.kill()
            running.until_failing("etcd")
            assert has("Host:a.test")(running.configuration)
            members[1].start(wait=False)
            members[1].wait_until_ready()
            members[0].write({"traefik/frontends/f/routes/r/rule": "Host:b.test"})
            running.until(has("Host:b.test"))
            running.until_ok()
    finally:
        for each in members:
            each.kill()
