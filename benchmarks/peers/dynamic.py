"""The route file for both Rondpoint and Traefik."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from benchmarks.peers.peer import HOST, Site


def write_dynamic(site: Site) -> Path:
    """Write one router and one service with all servers, in Traefik 3's YAML; return the path."""
    file = site.directory / "dynamic.yml"
    file.write_text(yaml.safe_dump({"tcp": _tcp(site)} if site.tcp else {"http": _http(site)}))
    return file


def _tcp(site: Site) -> dict[str, Any]:
    servers = [{"address": f"127.0.0.1:{port}"} for port in site.servers]
    return {
        "routers": {"bench": {"rule": "HostSNI(`*`)", "entryPoints": ["web"], "service": "bench"}},
        "services": {"bench": {"loadBalancer": {"servers": servers}}},
    }


def _http(site: Site) -> dict[str, Any]:
    scheme = "h2c" if site.h2c_servers else "http"
    servers = [{"url": f"{scheme}://127.0.0.1:{port}"} for port in site.servers]
    entry_points = ["web", *(["websecure"] if site.certificate else []), *(["h2c"] if site.h2c_port else [])]
    router: dict[str, Any] = {"rule": f"Host(`{HOST}`)", "entryPoints": entry_points, "service": "bench"}
    http: dict[str, Any] = {
        "routers": {"bench": router},
        "services": {"bench": {"loadBalancer": {"servers": servers}}},
    }
    if site.feature is not None:
        router["middlewares"] = ["feature"]
        http["middlewares"] = {"feature": dict(site.feature.options)}
    return http
