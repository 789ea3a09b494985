"""The settings of the HTTP provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from .loading import load_errors, load_settings

ENDPOINT = "--providers.http.endpoint=http://user:word@config.test/routes?token=1"


def test_all_settings_are_read(tmp_path: Path) -> None:
    text = """
[providers.http]
endpoint = "https://config.test/"
pollInterval = "1s"
pollTimeout = 3
maxResponseBodySize = 1000
  [providers.http.headers]
  "X-Token.1" = "a"
  [providers.http.tls]
  ca = "ca.pem"
"""
    options = load_settings(tmp_path, traefik_toml=text).settings.providers.http
    assert options is not None
    assert (options.endpoint, options.poll_interval, options.poll_timeout) == ("https://config.test/", 1, 3)
    assert (options.max_response_body_size, options.headers) == (1000, {"X-Token.1": "a"})
    assert options.tls is not None
    assert options.tls.ca == "ca.pem"


def test_defaults_are_those_of_traefik(tmp_path: Path) -> None:
    options = load_settings(tmp_path, [ENDPOINT]).settings.providers.http
    assert options is not None
    assert (options.poll_interval, options.poll_timeout, options.max_response_body_size) == (5, 5, -1)
    assert options.endpoint_name == "endpoint http://config.test/routes"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--providers.http"], "the HTTP provider has no URL to fetch"),
        (["--providers.http.endpoint=config.test"], "expected a URL such as http://"),
        ([ENDPOINT, "--providers.http.pollInterval=0s"], "expected a duration above 0"),
        ([ENDPOINT, "--providers.http.headers.a:b=c"], "'a:b' is not the name of a header"),
    ],
    ids=["no URL", "no scheme", "no interval", "a bad name"],
)
def test_errors(tmp_path: Path, flags: list[str], message: str) -> None:
    assert message in "\n".join(map(str, load_errors(tmp_path, flags)))
