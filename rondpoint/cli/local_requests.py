"""Sends requests to the admin entry point of a running Rondpoint."""

from __future__ import annotations

import warnings
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InsecureRequestWarning

from rondpoint.settings.access import is_loopback


def get(url: str, timeout: float, *, own: bool = True, **options: Any) -> requests.Response:
    """Return the response to a GET request, sent with these options of `requests`.

    `own` is for an address from the settings of this machine. If that is a loopback address, its certificate
    is not verified: it is for the names that other clients use. Raises RequestException.
    """
    verify = not (own and is_loopback(urlsplit(url).hostname or ""))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureRequestWarning)
        return requests.get(url, timeout=timeout, verify=verify, allow_redirects=False, **options)
