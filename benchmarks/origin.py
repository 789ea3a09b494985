"""Runs the origin: nginx as three servers with distinct bodies, each with ports for HTTP/1.1 and for h2c."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.features import REQUEST_HEADERS
from benchmarks.nginx import nginx_main, nginx_program
from benchmarks.processes import Launch, free_ports, running
from benchmarks.scenarios import SCENARIOS, Scenario

SERVERS = 3
WORKERS = 2
FORWARDED_PATH = "/forwarded"
CUSTOM_PATH = "/custom"
READY_SECONDS = 10.0
GRPC_PREFIX, PROTOBUF_PREFIX = 5, 2


@dataclass(frozen=True, slots=True)
class Origin:
    """A running origin; `ports` are the loopback ports of its servers, in order, for HTTP/1.1 and for h2c."""

    ports: tuple[int, ...]
    h2c_ports: tuple[int, ...]


def body(server: int, scenario: Scenario) -> bytes:
    """Return the body of server number `server` (from 0): its name, padded to the scenario's size.

    In JSON, it is as compressible as a list of records. For gRPC, it is a message whose field 1 is the name.
    """
    if scenario.path.endswith(".json"):
        return _records(server, scenario.size)
    if scenario.grpc:
        name = _name(server, scenario.size - GRPC_PREFIX - PROTOBUF_PREFIX)
        message = b"\x0a" + bytes([len(name)]) + name
        return b"\0" + len(message).to_bytes(4, "big") + message
    return _name(server, scenario.size)


def _name(server: int, size: int) -> bytes:
    return f"origin-{server} ".encode().ljust(size, b".")


def _records(server: int, size: int) -> bytes:
    # Digits of a hash stand for what differs between real records.
    records = [
        {
            "id": number,
            "server": server,
            "name": f"record number {number}",
            "token": blake2b(b"%d %d" % (server, number), digest_size=8).hexdigest(),
            "active": number % 3 > 0,
        }
        for number in range(size // 80)
    ]
    return json.dumps(records).encode()[:size].ljust(size, b" ")


def configuration(directory: Path, ports: Sequence[int], h2c_ports: Sequence[int]) -> str:
    """Return the nginx.conf of all servers; larger bodies are files under `directory`."""
    numbered = enumerate(zip(ports, h2c_ports, strict=True))
    servers = "".join(_server(directory, number, *own) for number, own in numbered)
    temporary = " ".join(
        f"{kind}_temp_path {directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""{nginx_main(directory, WORKERS)}
http {{
    access_log off;
    {temporary}
    default_type text/plain;
    keepalive_requests 100000000;
    keepalive_timeout 300s;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=100;
{servers}}}
"""


def _server(directory: Path, number: int, port: int, h2c_port: int) -> str:
    small = body(number, SCENARIOS["small"]).decode()
    seen = "|".join(
        f"$http_{name}"
        for name in ("host", "x_forwarded_for", "x_forwarded_proto", "x_forwarded_host", "x_real_ip")
    )
    custom = "|".join("$http_" + name.lower().replace("-", "_") for name in REQUEST_HEADERS)
    return f"""
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{h2c_port} http2 backlog=4096;
        root {directory}/{number};
        location = / {{ return 200 "{small}"; }}
        location = /10k.json {{ default_type application/json; }}
        location = {CUSTOM_PATH} {{ return 200 "{custom}"; }}
        # SSI removes the Content-Length, so the body is sent in chunks.
        location = /chunked {{ ssi on; ssi_types text/plain; }}
        # Reads the whole body before it responds, as an application would.
        location = /upload {{
            client_max_body_size 0;
            client_body_buffer_size 2m;
            proxy_method GET;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_pass http://127.0.0.1:{port}/;
        }}
        location = {SCENARIOS["grpc"].path} {{
            types {{ }}
            default_type application/grpc;
            add_trailer grpc-status 0;
            # Reads the whole call before it responds, as an application would: a mirror needs the body.
            mirror /ignored;
            # Calls are posted, which nginx refuses for a file.
            error_page 405 =200 $uri;
        }}
        location = /ignored {{ internal; return 204; }}
        location = {FORWARDED_PATH} {{ return 200 "{seen}"; }}
    }}
"""


@contextmanager
def run_origin(directory: Path, core: int | None) -> Iterator[Origin]:
    """Run the origin on `core` (None: any) with files in `directory`.

    Raises BenchmarkError if it does not respond.
    """
    found = free_ports(2 * SERVERS)
    ports, h2c_ports = tuple(found[:SERVERS]), tuple(found[SERVERS:])
    for number in range(SERVERS):
        root = directory / str(number)
        root.mkdir()
        for scenario in SCENARIOS.values():
            if scenario.path != "/":
                content = root / scenario.path.lstrip("/")
                content.parent.mkdir(parents=True, exist_ok=True)
                content.write_bytes(body(number, scenario))
    file = directory / "nginx.conf"
    file.write_text(configuration(directory, ports, h2c_ports))
    launch = Launch([nginx_program(), "-c", str(file), "-e", "stderr"], directory)
    with running(launch, core, "origin") as origin:
        deadline = time.monotonic() + READY_SECONDS
        for port in ports:
            while not _responds(port):
                origin.require_alive()
                if time.monotonic() > deadline:
                    raise BenchmarkError(f"the origin does not respond:\n{origin.tail()}")
                time.sleep(0.02)
        yield Origin(ports, h2c_ports)


def _responds(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
