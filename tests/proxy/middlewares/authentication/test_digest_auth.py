"""The middleware digestAuth."""

import re
import subprocess
import sys
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from proxy.authentication import digest
from proxy.authentication.digest import NONCE_SECONDS, Nonces, parse_parameters
from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.middlewares.chains import ChainError, Chains
from proxy.middlewares.step import Step
from proxy.per_request.local_response import LocalResponse
from rondpoint.middlewares.canonical import canonicalise
from rondpoint.model import Middleware
from tests.proxy.middlewares.sender import Sender


def hashed(text: str) -> str:
    return md5(text.encode()).hexdigest()


USERS = [f"eve:traefik:{hashed('eve:traefik:test')}", f"bob:office:{hashed('bob:office:test')}"]


def compile_step(**options: Any) -> Step:
    chains = Chains()
    chains.put(Middleware("m", "digestAuth", canonicalise("digestAuth", options, str).options))
    (step,) = chains.compile_chain(("m",), "router", "r")
    return step


def make_request(authorization: str = "", target: str = "/a?b=c", method: str = "GET") -> Request:
    line = f"Authorization: {authorization}\r\n" if authorization else ""
    request = parse_request(f"{method} {target} HTTP/1.1\r\nHost: a.test\r\n{line}\r\n".encode(), Limits())
    assert request is not None
    return request


def refusal(step: Step, request: Request, client: Sender | None = None) -> LocalResponse | None:
    try:
        step(request, client or Sender())
    except LocalResponse as response:
        return response
    return None


def challenge(step: Step) -> str:
    """Return the nonce for a request without credentials."""
    response = refusal(step, make_request())
    assert response is not None
    return nonce_of(response)


def nonce_of(response: LocalResponse) -> str:
    found = re.search(rb'\r\nWWW-Authenticate: Digest .*nonce="([0-9a-f]+)"', response.lines)
    assert found, response.lines
    return found[1].decode()


def signed(nonce: str, count: int = 1, password: str = "test", **changes: str) -> str:
    """Return the Authorization value of a client; `changes` are parameters that do not fit its response."""
    user, realm, uri = changes.pop("user", "eve"), changes.pop("realm", "traefik"), "/a?b=c"
    secret = hashed(f"{user}:{realm}:{password}")
    response = hashed(f"{secret}:{nonce}:{count:08x}:xyz:auth:{hashed(f'GET:{uri}')}")
    parameters = {
        "username": f'"{user}"',
        "realm": f'"{realm}"',
        "nonce": f'"{nonce}"',
        "uri": f'"{uri}"',
        "qop": "auth",
        "nc": f"{count:08x}",
        "cnonce": '"xyz"',
        "response": f'"{response}"',
        "algorithm": "MD5",
        **changes,
    }
    return "Digest " + ", ".join(f"{name}={value}" for name, value in parameters.items() if value)


def test_a_right_response_is_accepted_and_its_count_is_used_up() -> None:
    step = compile_step(users=USERS)
    nonce = challenge(step)
    assert refusal(step, make_request(signed(nonce, 1))) is None
    assert refusal(step, make_request(signed(nonce, 2))) is None
    for count in (1, 2):
        again = refusal(step, make_request(signed(nonce, count)))
        assert again is not None
        assert b", stale=true\r\n" in again.lines
    assert refusal(step, make_request(signed(nonce, 10))) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "Test"},
        {"user": "mallory"},
        {"user": ""},
        {"realm": "office"},
        # This user has another realm.
        {"user": "bob", "realm": "office"},
        {"uri": '"/other"'},
        {"qop": "auth-int"},
        {"qop": ""},
        {"nc": ""},
        {"nc": "00000002"},
        {"cnonce": ""},
        {"response": '""'},
        {"response": ""},
        {"algorithm": "SHA-256"},
    ],
)
def test_a_wrong_response_is_refused_and_not_stale(changes: dict[str, str]) -> None:
    step = compile_step(users=USERS)
    response = refusal(step, make_request(signed(challenge(step), **changes)))
    assert response is not None
    assert (response.status, response.body) == (401, b"401 Unauthorized\n")
    assert b"stale" not in response.lines


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.replace("Digest", "Basic"),
        lambda value: value + ', username="bob"',
        lambda value: value + ', other="x',
        lambda value: value.replace(",", ";", 1),
        lambda value: "Digest",
    ],
)
def test_a_malformed_header_is_refused(change: Any) -> None:
    step = compile_step(users=USERS)
    value = signed(challenge(step))
    assert refusal(step, make_request(change(value))) is not None
    assert refusal(step, make_request(value.replace("Digest", "dIGEST"))) is None


def test_a_response_counts_for_its_method_and_target_only() -> None:
    step = compile_step(users=USERS)
    value = signed(challenge(step))
    assert refusal(step, make_request(value, method="POST")) is not None
    assert refusal(step, make_request(value, target="/a?b=d")) is not None
    assert refusal(step, make_request(value)) is None


def test_with_a_nonce_of_nobody_the_client_gets_a_new_one() -> None:
    step = compile_step(users=USERS)
    for nonce in ("0" * 60, "x", challenge(compile_step(users=USERS, realm="office"))):
        response = refusal(step, make_request(signed(nonce)))
        assert response is not None
        assert b", stale=true\r\n" in response.lines
        assert refusal(step, make_request(signed(nonce_of(response)))) is None


def test_the_master_makes_the_secret_of_nonces_before_it_forks() -> None:
    code = "import proxy.process.master, sys; print('proxy.authentication.instance_secret' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"True\n"


def test_another_worker_accepts_a_nonce() -> None:
    assert (
        refusal(compile_step(users=USERS), make_request(signed(challenge(compile_step(users=USERS))))) is None
    )


def test_a_nonce_expires() -> None:
    now = [1000.0]
    nonces = Nonces(b"secret", lambda: now[0])
    nonce = nonces.issue()
    now[0] += NONCE_SECONDS - 1
    assert nonces.accept(nonce, b"00000001")
    now[0] += 2
    assert not nonces.accept(nonce, b"00000002")
    now[0] -= 2 * NONCE_SECONDS
    assert not nonces.accept(nonce, b"00000003")


@pytest.mark.parametrize("count", [b"", b"0", b"00000000", b"0000000g", b"+0000001", b"000000001"])
def test_a_count_has_eight_digits_and_begins_with_one(count: bytes) -> None:
    nonces = Nonces(b"secret")
    assert not nonces.accept(nonces.issue(), count)


def test_the_number_of_remembered_nonces_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "MAX_NONCES", 3)
    nonces = Nonces(b"secret")
    for _ in range(9):
        assert nonces.accept(nonces.issue(), b"00000001")
    assert len(nonces._counts) == 3


def test_parameters_may_be_quoted_and_escaped() -> None:
    assert parse_parameters(rb'username="a\"b\\", NC = 1 ,opaque=""') == {
        b"username": b'a"b\\',
        b"nc": b"1",
        b"opaque": b"",
    }


def test_the_user_for_server_and_log(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(f"# staff\n{USERS[0]}\n")
    step = compile_step(usersFile=str(file), headerField="X-User", removeHeader=True)
    client, request = Sender(), make_request(signed(challenge(step)))
    assert refusal(step, request, client) is None
    assert (client.username, request.headers) == (b"eve", b"\r\nHost: a.test\r\nX-User: eve")


def test_without_a_file_the_router_is_closed() -> None:
    with pytest.raises(ChainError, match="cannot be read"):
        compile_step(usersFile="/nonexistent/users")
