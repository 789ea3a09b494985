"""Programs that serve the files of a directory, many at once: nginx over HTTP/1.1, nghttpd over HTTP/2."""

import os
import shutil
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.server import Server

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _installed(name: str, package: str) -> str:
    path = shutil.which(name, path=PATH)
    if path is None:
        raise LabError(f"{name} is missing: apt-get install {package}")
    return path


class StaticServer(Server):
    """The base class of both; `scheme` is that of the server's URL."""

    scheme: str

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.port = free_port()
        self._directory = directory

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = Process(self._command(), name=self.name)
        self._process.wait_for_port(self.port)

    def _command(self) -> list[str]:
        raise NotImplementedError


class Nginx(StaticServer):
    """nginx with one worker and kept connections, on the loopback port `port`."""

    name, scheme = "nginx", "http"

    def _command(self) -> list[str]:
        own = self._directory.with_name(f"nginx-{self.port}")
        own.mkdir()
        temporary = " ".join(
            f"{kind}_temp_path {own}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        # Started as root, a worker would change to a user without access to the private directory.
        user = "user root;" if os.geteuid() == 0 else ""
        configuration = own / "nginx.conf"
        configuration.write_text(
            f"""daemon off; {user} worker_processes 1; pid {own}/pid; error_log stderr warn;
events {{ worker_connections 8192; }}
http {{
    access_log off; {temporary} keepalive_requests 100000; keepalive_timeout 300s;
    server {{ listen 127.0.0.1:{self.port} backlog=4096; root {self._directory}; }}
}}
"""
        )
        return [_installed("nginx", "nginx-light"), "-c", str(configuration), "-e", "stderr"]


class Nghttpd(StaticServer):
    """nghttpd in clear text, on the loopback port `port`; it sends posted content back."""

    name, scheme = "nghttpd", "h2c"

    def _command(self) -> list[str]:
        return [
            _installed("nghttpd", "nghttp2-server"),
            "--no-tls",
            "--echo-upload",
            "--address=127.0.0.1",
            f"--htdocs={self._directory}",
            str(self.port),
        ]
