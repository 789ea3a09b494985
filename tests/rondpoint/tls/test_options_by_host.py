"""The TLS options of hosts, as Traefik finds them from the routers."""

from __future__ import annotations

import random

import pytest

from rondpoint.rules import v3
from rondpoint.tls.options_by_host import OptionsByHost, hosts_in

HOSTS = [
    ("Host(`a.test`)", ["a.test"]),
    ("Host(`A.test`) && PathPrefix(`/x`)", ["a.test"]),
    ("Host(`a.test`) || Host(`b.test`)", ["a.test", "b.test"]),
    ("Host(`a.test`) && (Host(`b.test`) || Method(`GET`))", ["a.test", "b.test"]),
    ("!Host(`a.test`)", ["a.test"]),
    ("HostRegexp(`^.*$`) && Header(`x`, `a.test`)", []),
    ("PathPrefix(`/`)", []),
]


@pytest.mark.parametrize(("rule", "hosts"), HOSTS)
def test_every_host_of_a_rule_counts(rule: str, hosts: list[str]) -> None:
    assert list(hosts_in(v3.parse(rule).expression)) == hosts


class Routers(OptionsByHost):
    """Routers by name, given as `HOST HOST: OPTIONS`."""

    def define(self, name: str, text: str) -> None:
        hosts, _, options = text.partition(": ")
        rule = " || ".join(f"Host(`{host}`)" for host in hosts.split()) or "PathPrefix(`/`)"
        self.put(name, v3.parse(rule).expression, options)


CASES: list[tuple[list[str], dict[str, str], list[str]]] = [
    (["a: strict", "b: default"], {"a": "strict", "b": "default", "c": "default"}, ["strict", "default"]),
    (["a: strict", "a: strict"], {"a": "strict"}, ["strict", "strict"]),
    # Routers that disagree on a host get the default options, ...
    (["a: strict", "a: default"], {"a": "default"}, ["default", "default"]),
    (["a: strict", "a: other"], {"a": "default"}, ["default", "default"]),
    # ... also on their other hosts, ...
    (["a b: strict", "b: default"], {"a": "default", "b": "default"}, ["default", "default"]),
    # ... where they leave the options to others.
    (
        ["a b: strict", "b: default", "a: strict"],
        {"a": "strict", "b": "default"},
        ["default", "default", "strict"],
    ),
    # A rule without hosts has none to choose options by.
    ([": strict", "a: other"], {"a": "other", "": "default"}, ["default", "other"]),
]


@pytest.mark.parametrize(("routers", "hosts", "effective"), CASES)
def test_options_of_hosts_and_routers(
    routers: list[str], hosts: dict[str, str], effective: list[str]
) -> None:
    options = Routers()
    for number, text in enumerate(routers):
        options.define(str(number), text)
    assert {host: options.of_host(host) for host in hosts} == hosts
    assert [options.of_router(str(number)) for number in range(len(routers))] == effective


def test_changes_lead_where_a_new_start_leads() -> None:
    source = random.Random(3)
    options = Routers()
    kept: dict[str, str] = {}
    names, hosts = [str(number) for number in range(5)], ["a", "b", "c"]
    for _ in range(500):
        name = source.choice(names)
        if source.random() < 0.3:
            options.remove(name)
            kept.pop(name, None)
        else:
            some = " ".join(source.sample(hosts, source.randrange(3)))
            kept[name] = f"{some}: {source.choice(('default', 'x', 'y'))}"
            options.define(name, kept[name])
        new = Routers()
        for each, text in kept.items():
            new.define(each, text)
        assert [options.of_host(host) for host in hosts] == [new.of_host(host) for host in hosts]
        assert [options.of_router(each) for each in names] == [new.of_router(each) for each in names]
        assert dict(options.disputed_hosts()) == dict(new.disputed_hosts())


def test_disputed_hosts_are_named_with_their_routers() -> None:
    options = Routers()
    options.define("one", "a b: strict")
    options.define("two", "b: default")
    assert dict(options.disputed_hosts()) == {"b": {"one": "strict", "two": "default"}}


def test_an_unknown_router_has_the_default_options() -> None:
    options = Routers()
    options.remove("unknown")
    assert options.of_router("unknown") == "default"
