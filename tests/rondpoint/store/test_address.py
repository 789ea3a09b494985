"""Valid and invalid values of `redis.url`."""

import pytest

from rondpoint.store.address import Address, parse, redact_url

VALID_URLS = {
    "redis://host:1/2": Address("server", "redis://host:1/2"),
    "unix:///run/store.sock?db=1": Address("server", "unix:///run/store.sock?db=1"),
    "REDISS://u:p@host?ssl_ca_certs=/ca.pem": Address("server", "rediss://u:p@host?ssl_ca_certs=/ca.pem"),
    "redis+sentinel://one/main": Address("sentinel", "redis://master/0", (("one", 26379),), "main"),
    "redis+sentinel://me:p%40ss@one:1,[fd00::1]:2,[::1]/main/3?sentinel_password=s": Address(
        "sentinel",
        "redis://me:p%40ss@master/3",
        (("one", 1), ("fd00::1", 2), ("::1", 26379)),
        "main",
        sentinel_password="s",
    ),
    "rediss+cluster://one,two:2?ssl_certfile=/c.pem": Address(
        "cluster", "rediss://master/0?ssl_certfile=%2Fc.pem", (("one", 6379), ("two", 2))
    ),
}


@pytest.mark.parametrize("url", VALID_URLS)
def test_a_valid_url_is_parsed(url: str) -> None:
    assert parse(url) == VALID_URLS[url]


INVALID_URLS = {
    "http://host": "starts with redis://",
    "redis:host": "starts with redis://",
    "redis://host?ssl_ca_cert=/ca.pem": "did you mean ssl_ca_certs",
    "redis://host?sentinel_password=x": "unknown option",
    "redis+sentinel://one,two": "mymaster",
    "redis+sentinel://one/main/x": "number of a database",
    "redis+sentinel://one,,two/main": "host:port",
    "redis+cluster://one:99999": "host:port",
    "redis+cluster://fd00::1": "host:port",
    "redis+cluster://one/1": "no database",
    "redis+cluster://one?db=1": "no database",
}


@pytest.mark.parametrize("url", INVALID_URLS)
def test_an_invalid_url_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(ValueError, match=INVALID_URLS[url]):
        parse(url)


def test_a_redacted_url_has_no_secrets() -> None:
    assert redact_url("rediss+sentinel://me:secret@one:1,two/main/0?sentinel_password=secret") == (
        "rediss+sentinel://one:1,two/main/0"
    )
    assert redact_url("unix:///run/store.sock?password=secret") == "unix:///run/store.sock"
