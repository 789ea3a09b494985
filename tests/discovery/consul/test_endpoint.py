"""Endpoints of agents: arguments override the environment, and both are parsed as by Consul's own tools."""

from pathlib import Path

import pytest

from discovery.consul import Endpoint, Tls, endpoint

ADDRESSES = [
    ("", {}, "http://127.0.0.1:8500"),
    ("10.0.0.1", {}, "http://10.0.0.1:8500"),
    ("consul:80", {}, "http://consul:80"),
    ("[::1]:8501", {}, "http://[::1]:8501"),
    ("https://consul.example:443/", {}, "https://consul.example:443"),
    ("", {"CONSUL_HTTP_ADDR": "a:1"}, "http://a:1"),
    ("", {"CONSUL_HTTP_ADDR": "https://a:1"}, "https://a:1"),
    ("b:2", {"CONSUL_HTTP_ADDR": "https://a:1"}, "http://b:2"),
    ("b:2", {"CONSUL_HTTP_SSL": "true"}, "https://b:2"),
    ("http://b:2", {"CONSUL_HTTP_SSL": "true"}, "http://b:2"),
]


@pytest.mark.parametrize(("address", "environment", "expected"), ADDRESSES)
def test_an_address_is_parsed_as_by_consuls_tools(
    address: str, environment: dict[str, str], expected: str
) -> None:
    assert str(endpoint(address, environment=environment)) == expected


def test_a_url_may_contain_credentials() -> None:
    found = endpoint("https://me:p%40ss@consul:1", environment={"CONSUL_HTTP_AUTH": "other:one"})
    assert (str(found), found.username, found.password) == ("https://consul:1", "me", "p@ss")


BAD = [
    ("a:b", {}, "no usable port"),
    ("unix:///run/consul.sock", {}, "unix is not supported"),
    ("a:1/v1", {}, "not host:port"),
    ("", {"CONSUL_HTTP_SSL": "yes"}, "neither true nor false"),
    ("", {"CONSUL_HTTP_TOKEN_FILE": "/nowhere/token"}, "CONSUL_HTTP_TOKEN_FILE: /nowhere/token"),
]


@pytest.mark.parametrize(("address", "environment", "words"), BAD)
def test_an_invalid_value_is_reported(address: str, environment: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        endpoint(address, environment=environment)


def test_tokens_and_tls_default_to_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    environment = {
        "CONSUL_HTTP_TOKEN_FILE": str(file),
        "CONSUL_CACERT": "ca.pem",
        "CONSUL_HTTP_SSL_VERIFY": "false",
        "CONSUL_HTTP_AUTH": "user:pass:word",
    }
    found = endpoint(environment=environment)
    assert found == Endpoint(
        token="from-file",
        username="user",
        password="pass:word",
        tls=Tls(ca="ca.pem", insecure_skip_verify=True),
    )
    assert endpoint(token="given", environment=environment).token == "given"
    assert endpoint(environment={**environment, "CONSUL_HTTP_TOKEN": "direct"}).token == "direct"
