"""The date of the proxy's own responses."""

import pytest

from proxy.http1 import http_date as module


def test_the_date_follows_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    dates = []
    for now in (0.0, 0.9, 1.0, 784111777.5, 1.0):
        monkeypatch.setattr(module, "time", lambda now=now: now)
        dates.append(module.http_date())
    assert dates == [
        b"Thu, 01 Jan 1970 00:00:00 GMT",
        b"Thu, 01 Jan 1970 00:00:00 GMT",
        b"Thu, 01 Jan 1970 00:00:01 GMT",
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Thu, 01 Jan 1970 00:00:01 GMT",
    ]
