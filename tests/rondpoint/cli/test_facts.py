"""What is said of the providers: where they look, and no password."""

from rondpoint.cli.facts import facts
from rondpoint.settings import Providers, Settings


def test_consuls_agents_are_named_without_their_passwords() -> None:
    catalogue = {"endpoint": {"address": "https://me:secret@one:1, two:2"}}
    settings = Settings(providers=Providers.model_validate({"consul_catalog": catalogue, "consul": {}}))
    assert "providers: consulcatalog (one:1, two:2), consul" in list(facts(settings))
