"""Tests of the authorities that a CA's own certificate may come from."""

import threading
from pathlib import Path

import pytest

from discovery.acme.orders.ca_connection import CaConnection
from discovery.acme.orders.ca_trust import create_context, with_variables
from discovery.acme.orders.failures import OrderError
from discovery.acme.orders.options import CaOptions
from tests.discovery.acme.orders.conftest import KEY
from tests.lab.certificate import write_certificate
from tests.lab.pebble import Pebble

BOTH = {"LEGO_CA_CERTIFICATES": "/a.pem:/b.pem", "LEGO_CA_SERVER_NAME": "ca.test"}


@pytest.mark.parametrize(
    ("options", "variables", "expected"),
    [
        (CaOptions(), {}, CaOptions()),
        (CaOptions(), {"LEGO_CA_SYSTEM_CERT_POOL": "true"}, CaOptions()),
        (CaOptions(), BOTH, CaOptions(root_cas=("/a.pem", "/b.pem"), server_name="ca.test")),
        (
            CaOptions(),
            {"LEGO_CA_CERTIFICATES": "/a.pem", "LEGO_CA_SYSTEM_CERT_POOL": "TRUE"},
            CaOptions(root_cas=("/a.pem",), system_cas=True),
        ),
        (CaOptions(root_cas=("/c.pem",)), BOTH, CaOptions(root_cas=("/c.pem",))),
        (CaOptions(server_name="own.test"), BOTH, CaOptions(server_name="own.test")),
    ],
)
def test_variables_of_lego_count_if_the_settings_name_no_authorities(
    options: CaOptions, variables: dict[str, str], expected: CaOptions
) -> None:
    assert with_variables(options, variables) == expected


def test_own_authorities_replace_those_of_the_system_or_join_them(pebble: Pebble) -> None:
    own = (pebble.certificate.read_text(),)
    system = len(create_context(CaOptions()).get_ca_certs())
    assert system > 50
    assert len(create_context(CaOptions(root_cas=own)).get_ca_certs()) == 1
    assert len(create_context(CaOptions(root_cas=own, system_cas=True)).get_ca_certs()) == system + 1


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_variables_of_the_http_library_add_no_authorities(
    pebble: Pebble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(pebble.certificate))
    other = write_certificate(tmp_path / "other.pem")
    options = CaOptions(pebble.directory_url, root_cas=(str(other),))
    with pytest.raises(OrderError, match="verify failed"):
        _ = CaConnection(options, KEY, threading.Event()).directory
