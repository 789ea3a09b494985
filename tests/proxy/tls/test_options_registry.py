"""TLS options by name."""

import pytest
from msgspec.structs import replace

from proxy.tls.errors import OptionsError
from proxy.tls.options_registry import OptionsRegistry
from rondpoint.tls.model import TlsOptions

BUILT_IN = TlsOptions("default")
OF_A_FILE = TlsOptions("default@file", min_version="VersionTLS13")
OF_CONTAINERS = TlsOptions("default@docker", sni_strict=True)


def test_the_default_options_are_those_of_any_provider() -> None:
    registry = OptionsRegistry()
    assert registry.find("default") == BUILT_IN
    registry.put(OF_A_FILE)
    assert registry.find("default") == OF_A_FILE
    registry.put(OF_CONTAINERS)
    registry.remove("default@file")
    assert registry.find("default") == OF_CONTAINERS
    registry.remove("default@docker")
    registry.remove("default")
    assert registry.find("default") == BUILT_IN


def test_default_options_that_are_not_served_refuse_clients() -> None:
    registry = OptionsRegistry()
    registry.put(TlsOptions("default@file", unserved="two providers define them"))
    assert not registry.serves("default")
    with pytest.raises(OptionsError, match="two providers define them"):
        registry.find("default")


def test_other_options_have_the_name_of_their_provider() -> None:
    registry = OptionsRegistry()
    registry.put(TlsOptions("strict@file"))
    assert registry.serves("strict@file")
    assert not registry.serves("strict")
    registry.remove("strict@file")
    with pytest.raises(OptionsError, match="strict@file do not exist"):
        registry.find("strict@file")


def test_options_that_change_or_go_are_reported() -> None:
    registry = OptionsRegistry()
    reported: list[str] = []
    registry.on_change = reported.append
    strict = TlsOptions("strict@file", sni_strict=True)
    for options in (strict, strict, OF_CONTAINERS, replace(OF_CONTAINERS, name="default@file")):
        registry.put(options)
    assert reported == ["default"]
    registry.put(replace(strict, client_auth="RequireAnyClientCert"))
    registry.put(replace(strict, unserved="it has an unknown curve"))
    for name in ("strict@file", "strict@file", "default@docker", "default@file"):
        registry.remove(name)
    assert reported == ["default", *["strict@file"] * 3, "default"]
    assert registry.changes == 5
