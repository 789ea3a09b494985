"""Accounts and orders with the CA of the lab."""

import threading
from collections.abc import Iterator

import pytest

from discovery.acme.orders.account import AccountConnection
from discovery.acme.orders.options import CaOptions
from discovery.acme.orders.private_keys import generate_key
from rondpoint.store.acme import AcmeAccount
from tests.discovery.acme.responders import HttpResponder
from tests.lab.pebble import Pebble

KEY = generate_key("EC384")
"""Keys of accounts; those of RSA, which users get, take long to generate."""


@pytest.fixture
def http_responder(pebble: Pebble) -> Iterator[HttpResponder]:
    """Responds to the HTTP-01 challenges of the run's CA."""
    with HttpResponder(pebble.http_port) as running:
        yield running


def options_of(ca: Pebble, **more: object) -> CaOptions:
    """Return options that reach and trust a CA of the lab."""
    return CaOptions(ca.directory_url, root_cas=(str(ca.certificate),), **more)  # type: ignore[arg-type]


def connect(ca: Pebble, saved: list[AcmeAccount], **more: object) -> AccountConnection:
    """Connect as the account that was saved last, or by a key that other tests use as well.

    Now and then the CA takes a name for proved that another test has proved with that key.
    """
    options = options_of(ca, **more)
    account = saved[-1] if saved else AcmeAccount(options.directory, KEY)
    return AccountConnection(options, account, saved.append, threading.Event())
