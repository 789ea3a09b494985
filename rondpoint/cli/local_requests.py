"""Sends requests to the admin entry point of a running Rondpoint."""

from __future__ import annotations

import warnings
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InsecureRequestWarning

from rondpoint.settings.access import is_loopback


def get(url: str, timeout: float, **options: Any) -> requests.Response:
    """Return the response to a GET request, sent with these options of `requests`.

    The certificate of this machine itself is not verified: it is for the names that other clients use, and
    the traffic does not leave the machine. Raises RequestException.
    """
    verify = not is_loopback(urlsplit(url).hostname or "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureRequestWarning)
        return requests.get(url, timeout=timeout, verify=verify, **options)
