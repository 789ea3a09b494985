"""A client of the API of a running Rondpoint."""

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
from rondpoint.cli.local_requests import get
from rondpoint.cli.startup_summary import api_url
from rondpoint.settings.sources.environment import variable_name

_TIMEOUT_SECONDS = 5.0
_TOKEN = variable_name(("api", "token"))
_TOKEN_FILE = variable_name(("api", "tokenFile"))
HINT = "is `rondpoint up` running? `--api URL` sets another address"


class Api(Struct, frozen=True):
    """The address of an API, its token if it needs one, and whether the address is from the settings."""

    address: str
    token: str = ""
    own: bool = False


def choose_api(given: str | None, flags: Sequence[str]) -> Api:
    """Return the API at `given`, or, without it, the API of the settings.

    With `given`, the token comes from the environment.
    """
    if given is None:
        settings = load_or_exit(flags).settings
        token = settings.api.token or _read_token(settings.api.token_file)
        return Api(api_url(settings), token, own=True)
    environment = os.environ.get
    file = environment(_TOKEN_FILE)
    address = given if "://" in given else f"http://{given}"
    return Api(address.rstrip("/"), environment(_TOKEN) or _read_token(Path(file) if file else None))


def request_api(api: Api, path: str, parameters: Sequence[tuple[str, str]] = ()) -> bytes:
    """Send a GET request to the API and return the body; print an error and exit if the status is not 200."""
    address = api.address
    headers = {"Authorization": f"Bearer {api.token}"} if api.token else {}
    try:
        response = get(
            f"{address}{path}", _TIMEOUT_SECONDS, own=api.own, params=list(parameters), headers=headers
        )
    except requests.RequestException as fault:
        exit_with_error(f"no response from {address} ({type(fault).__name__}): {HINT}")
    if response.status_code == requests.codes.bad_request:
        exit_with_error(response.json().get("message", response.text))
    if response.status_code == requests.codes.unauthorized:
        exit_with_error(f"{address} requires a token: set {_TOKEN} or {_TOKEN_FILE}")
    if response.status_code != requests.codes.ok:
        exit_with_error(f"{address}{path} responded with {response.status_code}: {HINT}")
    return response.content


def _read_token(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        exit_with_error(f"cannot read the token: {fault}")


def exit_with_error(message: str) -> NoReturn:
    """Print the message to standard error and exit with code 1."""
    click.echo(f"error: {message}", err=True)
    sys.exit(1)
