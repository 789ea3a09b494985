"""TLS options by name, and the default ones of whichever provider defines them."""

import pytest

from proxy.tls.errors import OptionsError
from proxy.tls.options_registry import OptionsRegistry
from rondpoint.tls.model import DEFAULT_OPTIONS, TlsOptions

BUILT_IN = TlsOptions(DEFAULT_OPTIONS)


def test_the_default_options_are_those_that_a_provider_defines() -> None:
    registry = OptionsRegistry()
    assert registry.find(DEFAULT_OPTIONS) == BUILT_IN
    file, consul = (TlsOptions(f"default@{name}", sni_strict=True) for name in ("file", "consul"))
    registry.put(file)
    assert registry.find(DEFAULT_OPTIONS) is file
    # One change brings the new ones and removes the old ones, in any order.
    registry.put(consul)
    registry.remove("default@file")
    assert registry.find(DEFAULT_OPTIONS) is consul
    registry.remove("default@consul")
    registry.put(file)
    assert registry.find(DEFAULT_OPTIONS) is file
    registry.remove("default@file")
    assert registry.find(DEFAULT_OPTIONS) == BUILT_IN


def test_default_options_that_are_not_served_refuse_all_connections() -> None:
    registry = OptionsRegistry()
    registry.put(TlsOptions("default@file", unserved="consul, file define different default options"))
    assert not registry.serves(DEFAULT_OPTIONS)
    with pytest.raises(OptionsError, match="consul, file define different default options"):
        registry.find(DEFAULT_OPTIONS)


def test_options_are_found_by_their_qualified_name() -> None:
    registry = OptionsRegistry()
    strict = TlsOptions("strict@file", sni_strict=True)
    registry.put(strict)
    assert registry.find("strict@file") is strict
    registry.remove("strict@file")
    with pytest.raises(OptionsError, match="TLS options strict@file do not exist"):
        registry.find("strict@file")
