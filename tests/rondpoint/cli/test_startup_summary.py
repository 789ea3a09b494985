"""The startup summary names entry points, providers and registrator, but no password."""

from pathlib import Path

from rondpoint.cli.startup_summary import summary_lines
from rondpoint.settings import Providers, RegistratorOptions, Settings, load


def test_consul_addresses_are_shown_without_passwords() -> None:
    catalogue = {"endpoint": {"address": "https://me:secret@one:1, two:2"}}
    settings = Settings(providers=Providers(consul_catalog=catalogue, consul={}))
    assert "providers: consulcatalog (one:1, two:2), consul" in list(summary_lines(settings))


def test_addresses_of_key_value_stores_are_shown_without_passwords() -> None:
    options = {
        "etcd": {"endpoints": ["https://me:secret@one:2379"]},
        "redis": {"endpoints": ["one:6379"]},
        "zoo_keeper": {"endpoints": ["one:2181", "two:2181"]},
        "mesos": {"endpoint": "zk://me:secret@one:2181,two:2181/mesos"},
    }
    settings = Settings(providers=Providers(**options))
    stores = "etcd (one:2379), redis (one:6379), zookeeper (one:2181, two:2181)"
    shown = f"providers: {stores}, mesos (one:2181, two:2181/mesos)"
    assert shown in list(summary_lines(settings))


def test_the_file_of_the_settings_is_shown_first(tmp_path: Path) -> None:
    (tmp_path / "traefik.yml").write_text("ping: {}")
    loaded = load([], {}, tmp_path)
    assert next(summary_lines(loaded.settings, loaded.file)) == f"settings: {tmp_path / 'traefik.yml'}"
    assert not next(summary_lines(loaded.settings)).startswith("settings")


def test_a_closed_entry_point_is_shown_with_the_reason(tmp_path: Path) -> None:
    settings = load(["--entryPoints.web.clientIPStrategy.depth=1"], {}, tmp_path).settings
    reason = "entryPoints.web.clientIPStrategy is not served yet"
    assert next(summary_lines(settings)) == f"entry point web is closed: {reason}"


def test_the_registrator_is_shown_if_it_is_on() -> None:
    for options, expected in (
        ({"internal": True}, ["registrator: on"]),
        ({"consul": {"address": "consul:8500"}}, ["registrator: on (consul:8500)"]),
        ({"enabled": False}, []),
    ):
        settings = Settings(registrator=RegistratorOptions(**options))
        assert [line for line in summary_lines(settings) if line.startswith("registrator")] == expected
