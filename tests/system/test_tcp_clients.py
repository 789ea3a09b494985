"""curl and openssl reach servers through TCP routers, with TLS at the proxy and at the server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.lab.certificate import write_certificate
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.tcp_server import TcpServer, announce
from tests.proxy.running import Proxy, lone_proxy
from tests.proxy.tcp.routing import route, sni
from tests.proxy.tls.certificates import make_certificate
from tests.proxy.tls.handshakes import server_context


class Scene:
    """A proxy with routers for `ended.test`, whose TLS it ends, and `passed.test`; `authorities` of both."""

    def __init__(self, proxy: Proxy, port: int, authorities: Path) -> None:
        self.proxy = proxy
        self.port = port
        self.authorities = authorities


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    port = free_port()
    with (
        TemporaryDirectory(prefix="rp-") as directory_name,
        Origin.named("plain") as origin,
        lone_proxy(f"--entryPoints.secure.address=127.0.0.1:{port}") as proxy,
    ):
        directory = Path(directory_name)
        own = write_certificate(directory / "own.pem", "DNS:passed.test")
        certificate = make_certificate("c@x", "ended.test")
        authorities = directory / "authorities.pem"
        text = own.read_text()
        authorities.write_text(certificate.chain + text[text.index("-----BEGIN CERT") :])
        proxy.certificates["c@x"] = certificate
        with TcpServer(announce(b"hello from the server\n"), server_context(own)) as server:
            route(proxy, "secure", sni("ended.test"), origin.port, tls=True)
            route(proxy, "secure", sni("passed.test"), server.port, tls=True, passthrough=True)
            yield Scene(proxy, port, authorities)


def curl(scene: Scene, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    target = f"{name}:{scene.port}"
    command = ["curl", "--silent", "--show-error", "--cacert", str(scene.authorities), "--max-time", "30"]
    command += ["--resolve", f"{target}:127.0.0.1", *options, f"https://{target}/"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def s_client(scene: Scene, name: str, *options: str) -> str:
    """Return what `openssl s_client` shows once the server has sent a line, or the connection has ended."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{scene.port}", "-servername", name]
    command += ["-CAfile", str(scene.authorities), "-verify_hostname", name, *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        shown = ""
        for line in process.stdout:
            shown += line
            if "hello from the server" in line:
                process.terminate()
        return shown


@pytest.mark.parametrize("version", [["--tlsv1.3"], ["--tls-max", "1.2"]], ids=["1.3", "1.2"])
def test_curl_gets_a_response_through_tls_that_the_proxy_ends(scene: Scene, version: list[str]) -> None:
    # The server speaks HTTP/1.1 only, and the proxy does not know what it speaks.
    found = curl(scene, "ended.test", "--http1.1", *version)
    assert (found.returncode, found.stdout) == (0, "plain"), found.stderr


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_verifies_the_server_behind_passthrough(scene: Scene, version: str) -> None:
    shown = s_client(scene, "passed.test", version)
    assert "hello from the server" in shown
    assert "Verify return code: 0 (ok)" in shown
    assert "Verified peername: passed.test" in shown


def test_openssl_verifies_the_certificate_of_the_proxy(scene: Scene) -> None:
    found = curl(scene, "ended.test", "--http1.1", "--write-out", "%{ssl_verify_result}")
    assert found.stdout == "plain0"


def test_a_name_without_router_gets_the_default_certificate_and_404(scene: Scene) -> None:
    found = curl(scene, "other.test", "--insecure", "--write-out", "%{http_code}")
    assert found.stdout.endswith("404"), found
