"""Tests of the lab's CA and of its DNS server."""

import requests

from tests.lab.pebble import Pebble


def test_the_ca_serves_its_directory_and_its_root(pebble: Pebble) -> None:
    response = requests.get(pebble.directory_url, verify=str(pebble.certificate), timeout=10)
    assert {"newNonce", "newAccount", "newOrder"} <= response.json().keys()
    assert pebble.root().startswith("-----BEGIN CERTIFICATE-----")
    assert pebble.root() != pebble.intermediate()
