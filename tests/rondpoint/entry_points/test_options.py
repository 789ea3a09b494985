"""The options of entry points become middlewares of Traefik 3, from files and flags alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rondpoint.diagnostics import Severity
from rondpoint.entry_points.options import EntryPointOptions, read_entry_points
from rondpoint.model import Middleware, Router
from rondpoint.rules import v3
from rondpoint.settings import SettingsError, load

HTTPS = """
[entryPoints.https]
address = ":443"
[[entryPoints.https.tls.certificates]]
certFile = "a.pem"
keyFile = "a.pem"
"""


def read(tmp_path: Path, *flags: str, toml: str = "") -> EntryPointOptions:
    """Return the options of the entry point `http`."""
    (tmp_path / "traefik.toml").write_text(HTTPS + toml)
    return read_entry_points(load(flags, {}, tmp_path).settings)["http"]


def as_data(options: EntryPointOptions) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the middlewares in order: name, kind and options."""
    found = [options.own[name] for name in options.middlewares]
    return [(each.name, each.kind, each.options) for each in found]


USERS = ["a:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/", "b:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="]
AUTH = "http-auth@internal"
TO_HTTPS = {"scheme": "https", "port": "443", "permanent": False}

# The flag's text after the address, the same in a file, and the middlewares.
TRANSLATIONS = {
    "redirect to an entry point": (
        "Redirect.EntryPoint:https",
        '[entryPoints.http.redirect]\nentryPoint = "https"',
        [
            (
                "http-redirect@internal",
                "redirectScheme",
                {"scheme": "https", "port": "443", "permanent": False},
            )
        ],
    ),
    "redirect for good": (
        "Redirect.EntryPoint:https Redirect.Permanent:true",
        '[entryPoints.http.redirect]\nentryPoint = "https"\npermanent = true',
        [("http-redirect@internal", "redirectScheme", TO_HTTPS | {"permanent": True})],
    ),
    "redirect by an expression": (
        "Redirect.Regex:^http://a/(.*) Redirect.Replacement:http://b/$1 Redirect.Permanent:on",
        "[entryPoints.http.redirect]\n"
        'regex = "^http://a/(.*)"\nreplacement = "http://b/$1"\npermanent = true',
        [
            (
                "http-redirect@internal",
                "redirectRegex",
                {"regex": "^http://a/(.*)", "replacement": "http://b/$1", "permanent": True},
            )
        ],
    ),
    "redirect to itself": (
        "Redirect.EntryPoint:http Compress:false WhiteList.SourceRange:::1",
        '[entryPoints.http.redirect]\nentryPoint = "http"\n'
        '[entryPoints.http.whiteList]\nsourceRange = ["::1"]',
        [("http-whiteList@internal", "ipAllowList", {"sourceRange": ["::1/128"]})],
    ),
    "basic": (
        f"Auth.Basic.Users:{','.join(USERS)} Auth.HeaderField:X-User Auth.Basic.RemoveHeader:true",
        "[entryPoints.http.auth]\nheaderField = 'X-User'\n"
        f"[entryPoints.http.auth.basic]\nusers = {USERS}\nremoveHeader = true",
        [(AUTH, "basicAuth", {"users": USERS, "removeHeader": True, "headerField": "X-User"})],
    ),
    "basic from a file": (
        "Auth.Basic.UsersFile:/a/b Auth.Basic.Realm:here",
        '[entryPoints.http.auth.basic]\nusersFile = "/a/b"\nrealm = "here"',
        [(AUTH, "basicAuth", {"usersFile": "/a/b", "realm": "here"})],
    ),
    "digest": (
        "Auth.Digest.Users:a:r:x,b:r:y",
        '[entryPoints.http.auth.digest]\nusers = ["a:r:x", "b:r:y"]',
        [(AUTH, "digestAuth", {"users": ["a:r:x", "b:r:y"]})],
    ),
    "forward": (
        "Auth.Forward.Address:https://a/b Auth.Forward.TrustForwardHeader:true "
        "Auth.Forward.AuthResponseHeaders:X-A,X-B Auth.Forward.TLS.CA:/ca.pem "
        "Auth.Forward.TLS.InsecureSkipVerify:true",
        '[entryPoints.http.auth.forward]\naddress = "https://a/b"\ntrustForwardHeader = true\n'
        'authResponseHeaders = ["X-A", "X-B"]\n'
        '[entryPoints.http.auth.forward.tls]\nca = "/ca.pem"\ninsecureSkipVerify = true',
        [
            (
                AUTH,
                "forwardAuth",
                {
                    "address": "https://a/b",
                    "trustForwardHeader": True,
                    "authResponseHeaders": ["X-A", "X-B"],
                    "tls": {"ca": "/ca.pem", "insecureSkipVerify": True},
                },
            )
        ],
    ),
    "compression": (
        "Compress:true",
        "[entryPoints.http]\ncompress = true",
        [("http-compress@internal", "compress", {})],
    ),
    "white list": (
        "WhiteList.SourceRange:10.0.0.0/8,192.168.0.1 WhiteList.UseXForwardedFor:true",
        '[entryPoints.http.whiteList]\nsourceRange = ["10.0.0.0/8", "192.168.0.1"]\nuseXForwardedFor = true',
        [
            (
                "http-whiteList@internal",
                "ipAllowList",
                {"sourceRange": ["10.0.0.0/8", "192.168.0.1/32"], "ipStrategy": {"depth": 1}},
            )
        ],
    ),
    "white list of Traefik 1.4": (
        "WhiteListSourceRange:10.0.0.0/8",
        '[entryPoints.http]\nwhitelistSourceRange = ["10.0.0.0/8"]',
        [("http-whiteList@internal", "ipAllowList", {"sourceRange": ["10.0.0.0/8"]})],
    ),
    "all in Traefik's order": (
        "Redirect.EntryPoint:https WhiteList.SourceRange:10.0.0.0/8 "
        "Auth.Basic.Users:a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M= Compress:on",
        "[entryPoints.http]\ncompress = true\n"
        '[entryPoints.http.redirect]\nentryPoint = "https"\n'
        '[entryPoints.http.whiteList]\nsourceRange = ["10.0.0.0/8"]\n'
        '[entryPoints.http.auth.basic]\nusers = ["a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="]',
        [
            (AUTH, "basicAuth", {"users": ["a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="]}),
            ("http-compress@internal", "compress", {}),
            ("http-whiteList@internal", "ipAllowList", {"sourceRange": ["10.0.0.0/8"]}),
            (
                "http-redirect@internal",
                "redirectScheme",
                {"scheme": "https", "port": "443", "permanent": False},
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_options_of_traefik_1_become_middlewares(tmp_path: Path, name: str) -> None:
    text, toml, expected = TRANSLATIONS[name]
    for options in (
        read(tmp_path, f"--entryPoints=Name:http Address::80 {text}"),
        read(tmp_path, "--entryPoints.http.address=:80", toml=toml),
    ):
        assert as_data(options) == expected
        assert options.diagnostics == ()
        assert options.redirection is None


def test_named_middlewares_come_first(tmp_path: Path) -> None:
    flags = (
        "--entryPoints.http.address=:80",
        "--entryPoints.http.http.middlewares=a@file,b@docker",
        "--entryPoints.http.auth.basic.users=a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=",
    )
    assert read(tmp_path, *flags).middlewares == ("a@file", "b@docker", AUTH)


def test_an_entry_point_without_options_has_none(tmp_path: Path) -> None:
    settings = load(["--entryPoints.http.address=:80"], {}, tmp_path).settings
    assert read_entry_points(settings) == {}


UNUSABLE = {
    "Auth.HeaderField:X-User": "entryPoints.http.auth names no authentication method",
    "Auth.Basic.Users:a": "entryPoints.http.auth.basic.users is not valid",
    "Auth.Basic.Realm:x": "entryPoints.http.auth.basic has neither users nor usersFile",
    "Auth.Forward.TrustForwardHeader:true": "entryPoints.http.auth.forward.address is missing",
    "WhiteList.SourceRange:x": "entryPoints.http.whiteList.sourceRange is not valid",
    "WhiteList.UseXForwardedFor:true": "entryPoints.http.whiteList.sourceRange is not valid",
    "Redirect.Permanent:true": "entryPoints.http.redirect.regex is missing",
    "Redirect.Regex:( Redirect.Replacement:x": "entryPoints.http.redirect.regex is not valid",
}


@pytest.mark.parametrize("text", UNUSABLE)
def test_an_invalid_option_makes_the_middleware_unusable(tmp_path: Path, text: str) -> None:
    options = read(tmp_path, f"--entryPoints=Name:http Address::80 {text}")
    assert [options.own[name].unusable for name in options.middlewares] == [True]
    first = options.diagnostics[0]
    assert (first.severity, first.source, first.subject) == (Severity.ERROR, "settings", "entry point http")
    assert first.message == UNUSABLE[text]


def test_hashes_are_in_no_diagnostic(tmp_path: Path) -> None:
    options = read(tmp_path, "--entryPoints=Name:http Address::80 Auth.Digest.Users:secret:hash")
    assert options.diagnostics
    assert "secret" not in "".join(map(str, options.diagnostics))


def test_an_expression_beside_an_entry_point_has_no_effect(tmp_path: Path) -> None:
    text = "Redirect.EntryPoint:https Redirect.Regex:a Redirect.Replacement:b"
    options = read(tmp_path, f"--entryPoints=Name:http Address::80 {text}")
    assert [kind for _, kind, _ in as_data(options)] == ["redirectScheme"]
    (diagnostic,) = options.diagnostics
    assert diagnostic.severity is Severity.WARNING


REDIRECTIONS = [
    ({"to": "https"}, "http-to-https@internal", "https, port 443", True, None),
    ({"to": ":8443"}, "http-to-8443@internal", "https, port 8443", True, None),
    (
        {"to": ":80", "scheme": "HTTP", "permanent": "false"},
        "http-to-80@internal",
        "http, port 80",
        False,
        None,
    ),
    ({"to": "https", "priority": "10"}, "http-to-https@internal", "https, port 443", True, 10),
]


@pytest.mark.parametrize(("given", "name", "target", "permanent", "priority"), REDIRECTIONS)
def test_redirections_of_traefik_3(
    tmp_path: Path, given: dict[str, str], name: str, target: str, *, permanent: bool, priority: int | None
) -> None:
    prefix = "--entryPoints.http.http.redirections.entryPoint"
    flags = [f"{prefix}.{option}={value}" for option, value in given.items()]
    options = read(tmp_path, "--entryPoints.http.address=:80", *flags)
    found = options.redirection
    assert found is not None
    assert (found.name, found.target, found.permanent, found.priority) == (name, target, permanent, priority)
    scheme, _, port = target.partition(", port ")
    expected = {"scheme": scheme, "port": port, "permanent": permanent}
    assert found.middleware == Middleware(f"redirect-{name}", "redirectScheme", expected)
    assert options.own == {found.middleware.name: found.middleware}
    assert (options.middlewares, options.diagnostics) == ((), ())


@pytest.mark.parametrize(
    ("priority", "router_priority", "path", "expected"),
    [
        (None, 10**9, "/", False),
        (10, 10, "/", False),
        (10, 11, "/", True),
        (None, 1, "/.well-known/acme-challenge/x", True),
        (None, 1, "/.well-known/acme-challenge", False),
        (None, 1, "/a/.well-known/acme-challenge/x", False),
    ],
)
def test_a_redirection_gives_way(
    tmp_path: Path, priority: int | None, router_priority: int, path: str, *, expected: bool
) -> None:
    prefix = "--entryPoints.http.http.redirections.entryPoint"
    chosen = [f"{prefix}.priority={priority}"] if priority is not None else []
    found = read(tmp_path, "--entryPoints.http.address=:80", f"{prefix}.to=https", *chosen).redirection
    assert found is not None
    router = Router("r@file", v3.parse("Host(`a.test`)"), "s@file", router_priority)
    assert found.gives_way(router, path) is expected


@pytest.mark.parametrize("option", ["redirect.entryPoint", "http.redirections.entryPoint.to"])
@pytest.mark.parametrize("target", ["htps", "traefik"])
def test_a_redirection_to_a_missing_entry_point_is_refused(tmp_path: Path, option: str, target: str) -> None:
    flags = ["--entryPoints.http.address=:80", f"--entryPoints.http.{option}={target}"]
    with pytest.raises(SettingsError) as raised:
        load(flags, {}, tmp_path)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.subject == f"flag --entryPoints.http.{option}"
    assert diagnostic.message == f"entry point {target} does not exist"


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("http.redirections.entryPoint.to=:99999", "expected an address such as :80"),
        ("http.redirections.entryPoint.to=:", "expected an address such as :80"),
        ("http.redirections.entryPoint.to=", "expected the name of an entry point, or a port"),
        ("http.redirections.entryPoint.scheme=ftp", "expected http or https"),
        ("http.redirections.entryPoint.priority=high", "expected a whole number"),
        ("http.redirections.entryPoint.permanent=maybe", "expected true or false"),
    ],
)
def test_an_invalid_redirection_is_refused(tmp_path: Path, flag: str, message: str) -> None:
    to = "--entryPoints.http.http.redirections.entryPoint.to=:443"
    with pytest.raises(SettingsError, match=message):
        load(["--entryPoints.http.address=:80", to, f"--entryPoints.http.{flag}"], {}, tmp_path)
