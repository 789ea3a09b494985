"""The file configuration that Rondpoint and Traefik are both given."""

from __future__ import annotations

from pathlib import Path

import yaml

from benchmarks.peers.peer import HOST, Site


def write_dynamic(site: Site) -> Path:
    """One router, one service with all servers, in Traefik 3's YAML form."""
    servers = [{"url": f"http://127.0.0.1:{port}"} for port in site.servers]
    document = {
        "http": {
            "routers": {"bench": {"rule": f"Host(`{HOST}`)", "entryPoints": ["web"], "service": "bench"}},
            "services": {"bench": {"loadBalancer": {"servers": servers}}},
        }
    }
    file = site.directory / "dynamic.yml"
    file.write_text(yaml.safe_dump(document))
    return file
