"""`gunicorn -c gunicorn.conf.py` runs the proxy, without Rondpoint's own command."""

from pathlib import Path

import proxy
from tests.lab import http
from tests.lab.ports import free_port
from tests.lab.processes import Process, installed
from tests.lab.store import Store

ROOT = Path(proxy.__file__).parents[1]


def test_the_proxy_runs(store: Store, tmp_path: Path) -> None:
    web, admin = free_port(), free_port()
    environment = {
        "RONDPOINT_REDIS_URL": store.url,
        "RONDPOINT_ENTRYPOINTS_WEB_ADDRESS": f"127.0.0.1:{web}",
        "RONDPOINT_ENTRYPOINTS_TRAEFIK_ADDRESS": f"127.0.0.1:{admin}",
        "RONDPOINT_WORKERS": "1",
    }
    command = [installed("gunicorn"), "-c", str(ROOT / "gunicorn.conf.py"), "--pythonpath", str(ROOT)]
    with Process(command, environment=environment, directory=tmp_path) as process:
        process.wait_for_line("Booting worker")
        process.wait_for_port(admin)
        assert http.request(admin, "localhost", "/ping").text == "OK"
        assert "Version" in http.request(admin, "localhost", "/api/version").text
