"""Routers that require TLS on entry points without TLS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rondpoint.model import Router
from rondpoint.rules import v3
from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy


def ask(proxy: Proxy, path: str) -> Any:
    response = http.request(proxy.admin, "localhost", path)
    assert response.status == 200, response
    return json.loads(response.body)


def test_a_tls_router_on_plain_entry_points_is_disabled_with_the_reason(
    store: Store, short_path: Path
) -> None:
    certificate = write_certificate(short_path / "own.pem")
    flags = (
        f"--entryPoints.secure.address=127.0.0.1:{free_port()}",
        f"--entryPoints.secure.tls.certificates={certificate},{certificate}",
        "--defaultEntryPoints=web",
    )
    with Origin.named("a") as origin, running_proxy(short_path, store, *flags) as proxy:
        rule = v3.parse("Host(`a.test`)")
        proxy.route(origin)
        (service,) = proxy.services
        for name, points in (("plain@file", ()), ("both@file", ("web", "secure"))):
            proxy.routers[name] = Router(name, rule, service, 10, points, tls=True)
        proxy.publish()
        plain, both = (ask(proxy, f"/api/http/routers/{name}@file") for name in ("plain", "both"))
        assert (plain["status"], len(plain["error"])) == ("disabled", 1)
        assert "none of its entry points uses TLS: web" in plain["error"][0]
        assert (both["status"], both["using"]) == ("enabled", ["secure"])
        (diagnostic,) = ask(proxy, "/api/diagnostics")
        assert (diagnostic["severity"], diagnostic["source"], diagnostic["subject"]) == (
            "error",
            "file",
            "router plain@file",
        )
        assert "entryPoints.web.tls.certificates" in diagnostic["hint"]
