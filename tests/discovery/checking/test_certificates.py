"""`rondpoint check` reads the certificates that route files name."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from discovery.checking.command import check
from tests.discovery.certificates.pairs import MadePair, make_pair, private_key

PAIRS = {
    "a": make_pair("a.test"),
    "old": make_pair("a.test", days=(-9, -2)),
    "other": make_pair("b.test", "*.c.test", key=private_key("ec", 1)),
}
ROUTES = """
http:
  routers:
    r: {rule: "%s", service: s, tls: {%s}}
  services: {s: {loadBalancer: {servers: [{url: "http://10.0.0.1"}]}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RONDPOINT_FLAGS", raising=False)
    for name, made in PAIRS.items():
        write(tmp_path / name, made)
    return tmp_path


def write(path: Path, made: MadePair) -> None:
    path.with_suffix(".pem").write_text(made.certificate)
    path.with_suffix(".key").write_text(made.key)


def run(*pairs: tuple[str, str], rule: str = "Host(`a.test`)", tls: str = "", options: str = "") -> list[str]:
    """Check a route file with these pairs; return the lines with diagnostics."""
    given = ", ".join(f"{{certFile: {one}.pem, keyFile: {key}.key}}" for one, key in pairs)
    text = f"tls:\n  certificates: [{given}]\n  options: {{{options}}}\n" + ROUTES % (rule, tls)
    Path("routes.yml").write_text(text)
    return diagnostics("routes.yml")


def diagnostics(*arguments: str) -> list[str]:
    output = CliRunner().invoke(check, arguments, catch_exceptions=False).output
    words = ("error: ", "warning: ", "note: ")
    return [line for line in output.splitlines() if any(word in line for word in words)]


def test_good_certificates_give_no_diagnostic() -> None:
    assert run(("a", "a")) == []


CASES: dict[str, tuple[list[tuple[str, str]], str]] = {
    "another key": (
        [("a", "other")],
        "routes.yml:2: error: file: routes.yml: tls.certificates[0].keyFile=other.key is not the key of the "
        "certificate; the certificate is left out (name the key with which the certificate was "
        "requested)",
    ),
    "a missing file": (
        [("a", "a"), ("none", "a")],
        "routes.yml:2: error: file: routes.yml: tls.certificates[1].certFile=none.pem cannot be read: No "
        "such file or directory; the certificate is left out (the agent reads the file, so it must exist on "
        "the agent's machine and be readable there)",
    ),
    "no router for its names": (
        [("a", "a"), ("other", "other")],
        "note: file: certificate other.pem: no router has a host that it covers: b.test, *.c.test",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_faults_are_reported_with_their_line(case: str) -> None:
    pairs, line = CASES[case]
    assert run(*pairs) == [line]


def test_an_expired_certificate_is_a_warning() -> None:
    (line,) = run(("old", "a"))
    assert line.startswith(
        "routes.yml:2: warning: file: routes.yml: tls.certificates[0].certFile=old.pem has expired on 20"
    )


@pytest.mark.parametrize(
    "rule", ["Host(`x.c.test`)", "HostRegexp(`.*`)", "PathPrefix(`/`)", "Host(`B.test`)"]
)
def test_a_certificate_that_a_router_may_need_is_not_noted(rule: str) -> None:
    assert run(("other", "other"), rule=rule) == []


OPTIONS: dict[str, tuple[str, str, list[str]]] = {
    "used": ("options: o", "o: {sniStrict: true}", []),
    "unused": (
        "",
        "o: {sniStrict: true}",
        ["note: file: TLS options o@file: no router names them (set tls.options of a router)"],
    ),
    "the default": ("", "default: {sniStrict: true}", []),
    "elsewhere": ("options: o@docker", "", []),
    "unknown": (
        "options: strict",
        "",
        [
            "routes.yml:7: error: file: router r@file: TLS options 'strict@file' do not exist, so clients of "
            "its hosts are refused (none is defined)"
        ],
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_of_routers(case: str) -> None:
    tls, options, lines = OPTIONS[case]
    assert run(tls=tls, options=options) == lines


def test_certificates_of_a_container_are_read_where_they_are_mounted(folder: Path) -> None:
    (folder / "certs").mkdir()
    write(folder / "certs/a", PAIRS["other"]._replace(key=PAIRS["a"].key))
    names = ("/certs/a", "/elsewhere/a")
    pairs = ", ".join(f"{{certFile: {name}.pem, keyFile: {name}.key}}" for name in names)
    authorities = "{o: {clientAuth: {caFiles: [/certs/a.pem, /elsewhere/ca.pem]}}}"
    (folder / "routes.yml").write_text(f"tls:\n  certificates: [{pairs}]\n  options: {authorities}\n")
    (folder / "compose.yml").write_text("""
services:
  proxy:
    image: traefik:v3.7
    command: ["--providers.file.filename=/routes.yml", "--entryPoints.websecure.address=:443"]
    volumes: ["./routes.yml:/routes.yml", "./certs:/certs"]
""")
    found = [line for line in diagnostics("compose.yml") if "tls." in line]
    assert found == [
        *(
            f"routes.yml:{line}: note: file: routes.yml: tls.{key} is not checked: no file of this machine "
            "is mounted there"
            for line, key in (
                (2, "certificates[1].certFile=/elsewhere/a.pem"),
                (2, "certificates[1].keyFile=/elsewhere/a.key"),
                (3, "options.o.clientAuth.caFiles=/elsewhere/ca.pem"),
            )
        ),
        "routes.yml:2: error: file: routes.yml: tls.certificates[0].keyFile=certs/a.key is not the key of "
        "the certificate; the certificate is left out (name the key with which the certificate was "
        "requested)",
    ]
