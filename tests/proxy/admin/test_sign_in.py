"""Sign-in to the dashboard with the token, tested on the wire."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from proxy.authentication.login_attempts import BURST
from proxy.authentication.sessions import LIFETIME
from tests.lab import http
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.proxy.admin.test_authorisation import APR1, anywhere, at
from tests.proxy.running import Proxy, lone_proxy

TOKEN = "s3cret & long"
HTML = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
PARTS = (
    "/dashboard/",
    "/dashboard/part/routes",
    "/dashboard/explain?url=http://a.test",
    "/dashboard/openapi.json",
)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Proxy]:
    """A proxy for all tests that send no wrong token."""
    with lone_proxy(f"--api.token={TOKEN}") as proxy:
        yield proxy


@pytest.fixture
def unguessed() -> Iterator[Proxy]:
    """A proxy for one test, since a client with wrong tokens has to wait."""
    with lone_proxy(f"--api.token={TOKEN}") as proxy:
        yield proxy


def get(port: int, path: str, *headers: tuple[str, str], method: str = "GET") -> http.Response:
    return http.request(port, f"localhost:{port}", path, headers=headers, method=method)


def sign_in(
    port: int, token: str = TOKEN, *headers: tuple[str, str], path: str = "/dashboard/sign-in"
) -> http.Response:
    body = urlencode({"token": token}).encode()
    return http.request(port, f"localhost:{port}", path, method="POST", headers=(FORM, *headers), body=body)


def cookie(response: http.Response) -> tuple[str, str]:
    """Return the Cookie header that a browser sends from now on."""
    return "Cookie", str(response.header("Set-Cookie")).partition(";")[0]


def test_a_browser_gets_the_sign_in_page_and_a_program_an_error(guarded: Proxy) -> None:
    page = get(guarded.admin, "/dashboard/?router=shop%40file&search=%22%3E%3Cb", HTML)
    assert (page.status, page.header("Content-Type")) == (401, "text/html; charset=utf-8")
    # A Basic challenge would open the browser's password dialog.
    assert page.header("WWW-Authenticate") == 'Bearer realm="rondpoint"'
    assert 'action="sign-in?router=shop%40file&amp;search=%22%3E%3Cb"' in page.text
    assert "default-src 'none'" in str(page.header("Content-Security-Policy"))
    assert "<script" not in page.text
    assert not re.search(r"https?://", page.text)
    for style in ("colours.css", "sign-in.css", "icon.svg"):
        assert f"static/{style}" in page.text
        assert get(guarded.admin, f"/dashboard/static/{style}").status == 200
    error = get(guarded.admin, "/dashboard/")
    assert (error.status, json.loads(error.body)["message"]) == (401, "a token or a password is needed")


def test_other_paths_redirect_to_the_dashboard(guarded: Proxy) -> None:
    for path in ("/", "/dashboard"):
        redirected = get(guarded.admin, path, HTML)
        assert (redirected.status, redirected.header("Location")) == (302, "/dashboard/")
    for path in ("/api/overview", "/api", "/nothing"):
        assert get(guarded.admin, path, HTML).status == 401
    assert get(guarded.admin, "/dashboard/sign-in").header("Location") == "/dashboard/"


def test_the_right_token_opens_only_the_dashboard(guarded: Proxy) -> None:
    entered = sign_in(guarded.admin, path="/dashboard/sign-in?router=shop%40file")
    assert (entered.status, entered.header("Location")) == (303, "/dashboard/?router=shop%40file")
    kept, *attributes = str(entered.header("Set-Cookie")).split("; ")
    assert set(attributes) >= {"HttpOnly", "SameSite=Strict", "Path=/dashboard/", f"Max-Age={LIFETIME}"}
    assert "Secure" not in attributes
    assert kept.startswith(f"rondpoint-{guarded.admin}=")
    assert "s3cret" not in kept
    session = cookie(entered)
    for path in PARTS:
        assert get(guarded.admin, path, session).status == 200, path
    assert "Sign out" in get(guarded.admin, "/dashboard/", session).text
    # The API refuses the session cookie.
    assert get(guarded.admin, "/api/overview", session).status == 401
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        for path in ("/api/http/routers/a", "/dashboard/"):
            assert get(guarded.admin, path, session, method=method).status == 401


def test_a_wrong_token_opens_nothing(unguessed: Proxy) -> None:
    for wrong in ("s3cret", "", "é", TOKEN.upper()):
        refused = sign_in(unguessed.admin, wrong)
        assert (refused.status, refused.header("Set-Cookie")) == (401, None)
        assert 'role="alert"' in refused.text
    assert (
        get(unguessed.admin, "/dashboard/", ("Cookie", f"rondpoint-{unguessed.admin}=made.up.one")).status
        == 401
    )
    assert sign_in(unguessed.admin, "x" * 10_000).status == 401


def test_a_session_is_valid_wherever_the_token_is_the_same(store: Store, short_path: Path) -> None:
    file = short_path / "token"
    file.write_text(TOKEN)
    with at(store, short_path, f"--api.tokenFile={file}") as one:
        name, kept = cookie(sign_in(one.admin))
        with at(store, short_path, f"--api.token={TOKEN}") as two:
            moved = kept.replace(str(one.admin), str(two.admin), 1)
            assert get(two.admin, "/dashboard/", (name, moved)).status == 200
    file.write_text("another")
    with at(store, short_path, f"--api.tokenFile={file}") as three:
        moved = kept.replace(str(one.admin), str(three.admin), 1)
        assert get(three.admin, "/dashboard/", (name, moved)).status == 401


def test_sign_out_deletes_the_cookie(guarded: Proxy) -> None:
    session = cookie(sign_in(guarded.admin))
    left = get(guarded.admin, "/dashboard/sign-out", session, method="POST")
    assert (left.status, left.header("Location")) == (303, "/dashboard/")
    assert {"Max-Age=0", "Path=/dashboard/"} <= set(str(left.header("Set-Cookie")).split("; "))
    # No GET changes anything.
    assert get(guarded.admin, "/dashboard/sign-out", session).header("Set-Cookie") is None


def test_other_origins_cannot_sign_in_or_out(guarded: Proxy) -> None:
    for foreign in (("Origin", "http://evil.test"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")):
        assert sign_in(guarded.admin, TOKEN, foreign).status == 403
        assert get(guarded.admin, "/dashboard/sign-out", foreign, method="POST").status == 403
    own = ("Origin", f"http://localhost:{guarded.admin}"), ("Sec-Fetch-Site", "same-origin")
    assert sign_in(guarded.admin, TOKEN, *own).status == 303


def test_a_guessing_client_has_to_wait(unguessed: Proxy) -> None:
    session = cookie(sign_in(unguessed.admin))
    for number in range(BURST):
        assert sign_in(unguessed.admin, f"guess {number}").status == 401
    for waits in (
        sign_in(unguessed.admin),
        get(unguessed.admin, "/api/overview", ("Authorization", f"Bearer {TOKEN}")),
    ):
        assert waits.status == 429
        assert 0 < int(str(waits.header("Retry-After"))) <= 60
    unguessed.process.wait_for_line("127.0.0.1 sent many wrong tokens or passwords")
    # Sessions behind the same address keep working.
    assert get(unguessed.admin, "/dashboard/", session).status == 200
    assert get(unguessed.admin, "/ping").status == 200


def test_a_strong_token_works_while_others_wait(store: Store, short_path: Path) -> None:
    token = "9f86d081884c7d659a2feaa0c55ad015"
    with at(store, short_path, f"--api.token={token}") as proxy:
        for number in range(BURST):
            assert sign_in(proxy.admin, f"guess {number}").status == 401
        assert sign_in(proxy.admin, "another").status == 429
        assert get(proxy.admin, "/api/overview", ("Authorization", "Bearer another")).status == 429
        assert get(proxy.admin, "/api/overview", ("Authorization", f"Bearer {token}")).status == 200
        assert sign_in(proxy.admin, token).status == 303


def test_behind_a_tls_proxy_the_session_cookie_is_secure(guarded: Proxy) -> None:
    entered = sign_in(guarded.admin, TOKEN, ("X-Forwarded-Proto", "https"))
    assert "Secure" in str(entered.header("Set-Cookie")).split("; ")


def test_passwords_work_beside_the_token(store: Store, short_path: Path) -> None:
    port = free_port()
    flags = (anywhere(port), f"--api.token={TOKEN}", f"--api.basicAuth.users=eve:{APR1}")
    right = ("Authorization", "Basic " + base64.b64encode(b"eve:test").decode())
    with at(store, short_path, *flags):
        assert 'href="password?router=a"' in get(port, "/dashboard/?router=a", HTML).text
        challenge = get(port, "/dashboard/password", HTML)
        assert (challenge.status, "Basic" in str(challenge.header("WWW-Authenticate"))) == (401, True)
        # After a session, neither the page nor its parts open the password dialog.
        for path, accept in (
            ("/dashboard/events", "text/event-stream"),
            ("/dashboard/explain", "application/json"),
        ):
            assert "Basic" not in str(get(port, path, ("Accept", accept)).header("WWW-Authenticate"))
        let_in = get(port, "/dashboard/password?router=a", HTML, right)
        assert (let_in.status, let_in.header("Location")) == (303, "/dashboard/?router=a")
        page = get(port, "/dashboard/", HTML, right)
        assert (page.status, "Sign out" in page.text) == (200, False)


def test_without_a_token_there_is_no_sign_in(store: Store, short_path: Path) -> None:
    with at(store, short_path, f"--api.basicAuth.users=eve:{APR1}") as proxy:
        page = get(proxy.admin, "/dashboard/", HTML)
        assert (page.status, page.header("WWW-Authenticate")) == (
            401,
            'Basic realm="rondpoint", charset="UTF-8"',
        )
        assert sign_in(proxy.admin).status == 401
    with at(store, short_path) as proxy:
        assert sign_in(proxy.admin).header("Set-Cookie") is None
    with at(store, short_path, f"--api.token={TOKEN}", "--api.dashboard=false") as proxy:
        assert get(proxy.admin, "/dashboard/", HTML).header("Content-Type") == "application/json"
