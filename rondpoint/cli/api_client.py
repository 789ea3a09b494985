"""Asking the API of a running Rondpoint."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
import requests
from msgspec import Struct

from rondpoint.cli.flags import load_or_exit
from rondpoint.cli.startup_summary import url
from rondpoint.settings.sources.environment import variable

_SECONDS = 5.0
_TOKEN = variable(("api", "token"))
_TOKEN_FILE = variable(("api", "tokenFile"))
HINT = "is `rondpoint up` running? `--api URL` asks another address"


class Api(Struct, frozen=True):
    """Where the API is, and the token that it wants, if any."""

    address: str
    token: str = ""


def api_of(given: str | None, flags: Sequence[str]) -> Api:
    """The one at the address that was given, else that of the settings."""
    if given is None:
        settings = load_or_exit(flags).settings
        return Api(url(settings.admin), settings.api.token or _content(settings.api.token_file))
    environment = os.environ.get
    file = environment(_TOKEN_FILE)
    address = given if "://" in given else f"http://{given}"
    return Api(address.rstrip("/"), environment(_TOKEN) or _content(Path(file) if file else None))


def ask(api: Api, path: str, parameters: Sequence[tuple[str, str]] = ()) -> bytes:
    """The body of a 200 from the API; anything else ends the program with a message."""
    address = api.address
    headers = {"Authorization": f"Bearer {api.token}"} if api.token else {}
    try:
        response = requests.get(
            f"{address}{path}", params=list(parameters), headers=headers, timeout=_SECONDS
        )
    except requests.RequestException as fault:
        fail(f"nothing answers at {address} ({type(fault).__name__}): {HINT}")
    if response.status_code == requests.codes.bad_request:
        fail(response.json().get("message", response.text))
    if response.status_code == requests.codes.unauthorized:
        fail(f"{address} wants a token: set {_TOKEN} or {_TOKEN_FILE}")
    if response.status_code != requests.codes.ok:
        fail(f"{address}{path} answers {response.status_code}: {HINT}")
    return response.content


def _content(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        fail(f"the token cannot be read: {fault}")


def fail(message: str) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    sys.exit(1)
