"""Asking the API of a running Rondpoint."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click
import requests

_SECONDS = 5.0
HINT = "is `rondpoint up` running? `--api URL` asks another address"


def ask(address: str, path: str, parameters: Sequence[tuple[str, str]] = ()) -> bytes:
    """The body of a 200 from `address`; anything else ends the program with a message."""
    try:
        response = requests.get(f"{address}{path}", params=list(parameters), timeout=_SECONDS)
    except requests.RequestException as fault:
        fail(f"nothing answers at {address} ({type(fault).__name__}): {HINT}")
    if response.status_code == requests.codes.bad_request:
        fail(response.json().get("message", response.text))
    if response.status_code != requests.codes.ok:
        fail(f"{address}{path} answers {response.status_code}: {HINT}")
    return response.content


def fail(message: str) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    sys.exit(1)
