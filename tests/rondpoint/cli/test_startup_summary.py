"""What is said of the providers: where they look, and no password."""

from pathlib import Path

from rondpoint.cli.startup_summary import facts
from rondpoint.settings import Providers, RegistratorOptions, Settings, load


def test_consuls_agents_are_named_without_their_passwords() -> None:
    catalogue = {"endpoint": {"address": "https://me:secret@one:1, two:2"}}
    settings = Settings(providers=Providers.model_validate({"consul_catalog": catalogue, "consul": {}}))
    assert "providers: consulcatalog (one:1, two:2), consul" in list(facts(settings))


def test_an_entry_point_that_is_closed_is_told_of_as_such(tmp_path: Path) -> None:
    settings = load(["--entryPoints.web.http.middlewares=auth@file"], {}, tmp_path).settings
    reason = "entryPoints.web.http.middlewares is not served yet"
    assert next(facts(settings)) == f"entry point web is closed: {reason}"


def test_the_registrar_is_told_of_where_it_is_on() -> None:
    for options, told in (
        ({"internal": True}, ["registrator: on"]),
        ({"consul": {"address": "consul:8500"}}, ["registrator: on (consul:8500)"]),
        ({"enabled": False}, []),
    ):
        settings = Settings(registrator=RegistratorOptions.model_validate(options))
        assert [line for line in facts(settings) if line.startswith("registrator")] == told
