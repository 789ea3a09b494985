"""The settings of the Nomad provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from discovery.providers.nomad.endpoint import Endpoint, endpoint_of
from rondpoint.settings import ClientTls, NomadEndpoint
from rondpoint.settings.tree.section import as_dict, read_section

from .loading import load_errors, load_settings


def test_all_settings_are_read(tmp_path: Path) -> None:
    text = """
[providers.nomad]
namespaces = ["a", "b"]
exposedByDefault = false
watch = false
refreshInterval = "3s"
throttleDuration = "1s"
allowEmptyServices = true
stale = true
prefix = "own"
defaultRule = "Host(`a`)"
constraints = "Tag(`a`)"
  [providers.nomad.endpoint]
  address = "https://nomad.test:4646"
  region = "r"
  token = "t"
  endpointWaitTime = "15s"
    [providers.nomad.endpoint.tls]
    ca = "ca.pem"
"""
    loaded = load_settings(tmp_path, traefik_toml=text)
    options = loaded.settings.providers.nomad
    assert options is not None
    assert as_dict(options) == {
        "endpoint": {
            "address": "https://nomad.test:4646",
            "region": "r",
            "token": "t",
            "tls": {"ca": "ca.pem", "cert": "", "key": "", "insecure_skip_verify": False},
        },
        "prefix": "own",
        "stale": True,
        "namespaces": ("a", "b"),
        "exposed_by_default": False,
        "default_rule": "Host(`a`)",
        "constraints": "Tag(`a`)",
        "allow_empty_services": True,
        "watch": False,
        "refresh_interval": 3.0,
        "throttle_duration": 1.0,
    }
    assert ["endpointWaitTime has no effect" in each.message for each in loaded.warnings] == [True]


def test_a_wildcard_for_namespaces_is_an_error(tmp_path: Path) -> None:
    errors = load_errors(tmp_path, ["--providers.nomad.namespaces=*"])
    assert "expected names of namespaces, not *" in str(errors[0])


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ({}, {}, Endpoint("http://127.0.0.1:4646")),
        ({"address": "nomad.test:1"}, {}, Endpoint("http://nomad.test:1")),
        ({"address": "https://nomad.test/"}, {"NOMAD_ADDR": "http://other"}, Endpoint("https://nomad.test")),
        (
            {},
            {"NOMAD_ADDR": "https://n", "NOMAD_REGION": "r", "NOMAD_TOKEN": "t", "NOMAD_SKIP_VERIFY": "true"},
            Endpoint("https://n", "r", "t", ClientTls(insecure_skip_verify=True)),
        ),
        ({}, {"NOMAD_CACERT": "ca.pem"}, Endpoint("http://127.0.0.1:4646", tls=ClientTls(ca="ca.pem"))),
    ],
    ids=["defaults", "no scheme", "a URL", "variables", "an authority"],
)
def test_the_endpoint(options: dict[str, str], environment: dict[str, str], expected: Endpoint) -> None:
    assert endpoint_of(read_section(NomadEndpoint, options), environment) == expected
