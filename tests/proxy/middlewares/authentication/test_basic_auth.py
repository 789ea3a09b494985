"""The middleware basicAuth."""

import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.middlewares.authentication.users_files import USERS_FILES
from proxy.middlewares.chains import ChainError, Chains
from proxy.middlewares.step import Step
from proxy.per_request.local_response import LocalResponse
from rondpoint.middlewares.canonical import canonicalise
from rondpoint.model import Middleware
from tests.proxy.middlewares.sender import Sender

# Hashes of the password "test".
BCRYPT = "$2y$04$FE6XLarqJKP27qSqzCgYfOE3GdX0JBL4W9ggZYhOa3ukIRi.ZEVdO"
APR1 = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
SHA1 = "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="
USERS = [f"bob:{BCRYPT}", f"eve:{APR1}", f"zoë:{SHA1}"]


def compile_step(**options: Any) -> Step:
    chains = Chains()
    chains.put(Middleware("m", "basicAuth", canonicalise("basicAuth", options, str).options))
    (step,) = chains.compile_chain(("m",), "router", "r")
    return step


def basic(user: str, password: str, scheme: str = "Basic", encoding: str = "utf-8") -> str:
    return f"{scheme} {b64encode(f'{user}:{password}'.encode(encoding)).decode()}"


def make_request(*authorization: str, lines: str = "") -> Request:
    given = "".join(f"authorization: {each}\r\n" for each in authorization)
    request = parse_request(f"GET / HTTP/1.1\r\nHost: a.test\r\n{lines}{given}\r\n".encode(), Limits())
    assert request is not None
    return request


def refusal(step: Step, *authorization: str, client: Sender | None = None) -> LocalResponse | None:
    try:
        step(make_request(*authorization), client or Sender())
    except LocalResponse as response:
        return response
    return None


@pytest.mark.parametrize(
    ("authorization", "accepted"),
    [
        ((basic("bob", "test"),), True),
        ((basic("eve", "test"),), True),
        ((basic("zoë", "test"),), True),
        ((basic("eve", "test", "bAsIC"),), True),
        ((basic("eve", "Test"),), False),
        ((basic("eve", ""),), False),
        ((basic("Eve", "test"),), False),
        ((basic("", "test"),), False),
        ((basic("mallory", "test"),), False),
        ((basic("zoë", "test", encoding="latin-1"),), False),
        ((basic("eve", APR1),), False),
        ((basic("eve", "test", "Bearer"),), False),
        ((basic("eve", "test", "Basic "),), False),
        (("Basic " + b64encode(b"eve").decode(),), False),
        (("Basic ZXZ*lOnRlc3Q=",), False),
        (("Basic",), False),
        (("",), False),
        ((), False),
        # Which of two lines a server reads is not known.
        ((basic("eve", "test"), basic("mallory", "x")), False),
        ((basic("eve", "test"), basic("eve", "test")), False),
    ],
)
def test_users_and_passwords(authorization: tuple[str, ...], accepted: bool) -> None:
    assert (refusal(compile_step(users=USERS), *authorization) is None) == accepted


@pytest.mark.parametrize(
    ("realm", "challenge"),
    [
        ({}, b'\r\nWWW-Authenticate: Basic realm="traefik"\r\n'),
        ({"realm": "the office"}, b'\r\nWWW-Authenticate: Basic realm="the office"\r\n'),
        ({"realm": 'a"b\\'}, b'\r\nWWW-Authenticate: Basic realm="a\\"b\\\\"\r\n'),
    ],
)
def test_the_challenge_names_the_realm(realm: dict[str, str], challenge: bytes) -> None:
    response = refusal(compile_step(users=USERS, **realm))
    assert response is not None
    assert (response.status, response.body) == (401, b"401 Unauthorized\n")
    assert challenge in response.lines + b"\r\n"


@pytest.mark.parametrize(
    ("options", "lines", "expected"),
    [
        ({}, "", [("authorization", basic("eve", "test"))]),
        ({"removeHeader": True}, "", []),
        ({"headerField": "X-User"}, "", [("authorization", basic("eve", "test")), ("X-User", "eve")]),
        (
            {"headerField": "X-User", "removeHeader": True},
            "x-USER: root\r\nx-user: bob\r\n",
            [("X-User", "eve")],
        ),
        ({"headerField": "Authorization", "removeHeader": True}, "", []),
        ({"headerField": "Authorization"}, "", [("Authorization", "eve")]),
    ],
)
def test_the_headers_for_the_server(
    options: dict[str, Any], lines: str, expected: list[tuple[str, str]]
) -> None:
    request = make_request(basic("eve", "test"), lines=lines)
    compile_step(users=USERS, **options)(request, Sender())
    found = [line.split(": ", 1) for line in request.headers.decode().split("\r\n")[1:]]
    assert [(name, value) for name, value in found if name != "Host"] == expected


def test_the_name_for_the_access_log_is_what_the_client_sent() -> None:
    step = compile_step(users=USERS)
    for user in ("eve", "mallory"):
        client = Sender()
        refusal(step, basic(user, "test"), client=client)
        assert client.username == user.encode()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"users": ["eve:realm:s3cret"]}, "user 1 does not have the form NAME:HASH"),
        ({"users": ["e\nve:s3cret"]}, "control character"),
        ({"users": USERS, "realm": "a\r\nX: y"}, "control character"),
        ({"users": USERS, "headerField": "X User"}, "is not a header name"),
        ({"usersFile": "/nonexistent/users"}, "/nonexistent/users cannot be read"),
        ({"users": USERS, "usersFile": "/nonexistent/users"}, "/nonexistent/users cannot be read"),
    ],
)
def test_options_that_close_the_router(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ChainError, match=reason) as caught:
        compile_step(**options)
    assert "s3cret" not in str(caught.value)


def test_inline_users_win_over_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(f"# staff\n\neve:{SHA1.replace('q', 'x')}\nada:{SHA1}\n")
    step = compile_step(users=[f"eve:{APR1}"], usersFile=str(file))
    assert refusal(step, basic("eve", "test")) is None
    assert refusal(step, basic("ada", "test")) is None
    assert refusal(step, basic("bob", "test")) is not None


def test_without_users_nobody_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("# nobody yet\n")
    assert refusal(compile_step(usersFile=str(file)), basic("eve", "test")) is not None


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(f"eve:{SHA1}\n")
    step = compile_step(usersFile=str(file))
    assert refusal(step, basic("eve", "test")) is None
    file.write_text(f"ada:{SHA1}\n")
    USERS_FILES.open(file, 2).check()
    assert refusal(step, basic("eve", "test")) is not None
    assert refusal(step, basic("ada", "test")) is None


def test_a_file_that_vanishes_or_breaks_keeps_its_users_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "users"
    file.write_text(f"eve:{SHA1}\n")
    step = compile_step(usersFile=str(file))
    users = USERS_FILES.open(file, 2)
    file.unlink()
    users.check()
    users.check()
    # Compiling again after a change of any middleware does not lose them either.
    for each in (step, compile_step(usersFile=str(file))):
        assert refusal(each, basic("eve", "test")) is None
    file.write_text("broken\n")
    users.check()
    users.check()
    assert refusal(step, basic("eve", "test")) is None
    reasons = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert ["cannot be read" in reasons[0], "user 1 does not" in reasons[1]] == [True, True]
    assert len(reasons) == 2
    file.write_text(f"ada:{SHA1}\n")
    users.check()
    assert refusal(step, basic("eve", "test")) is not None


def test_a_file_that_was_replaced_by_one_of_the_same_size_and_time_is_read_again(tmp_path: Path) -> None:
    file, other = tmp_path / "users", tmp_path / "other"
    file.write_text(f"eve:{SHA1}\n")
    step = compile_step(usersFile=str(file))
    other.write_text(f"ada:{SHA1}\n")
    found = file.stat()
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(file)
    USERS_FILES.open(file, 2).check()
    assert refusal(step, basic("ada", "test")) is None
