"""The dashboard, in a real browser."""

import shutil
import subprocess
from pathlib import Path

from tests.lab.installation import start
from tests.lab.origin import Origin
from tests.lab.processes import Processes

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--dump-dom",
]


def page(url: str, profile: Path) -> str:
    """The document as the browser has it once the page is loaded."""
    browser = shutil.which("chromium")
    assert browser, "chromium is missing: apt-get install chromium"
    command = [browser, *FLAGS, f"--user-data-dir={profile}", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_dashboard_lists_routers_services_and_what_is_wrong(processes: Processes, tmp_path: Path) -> None:
    with Origin.named("a") as origin:
        (tmp_path / "routes.yml").write_text(
            f"""
http:
  routers:
    shop: {{rule: "Host(`shop.test`) && PathPrefix(`/<b>`)", service: shop}}
    lost: {{rule: "Host(`lost.test`)", service: nowhere}}
  services:
    shop: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{origin.port}"}}]}}}}
"""
        )
        running = start(
            processes, "--workers=1", f"--providers.file.filename={tmp_path}/routes.yml", directory=tmp_path
        )
        running.wait_for("shop.test", "/<b>")
        dom = page(f"http://127.0.0.1:{running.admin}/dashboard/", tmp_path / "profile")
    assert "shop@file" in dom
    assert "&lt;b&gt;" in dom
    assert f"http://127.0.0.1:{origin.port}" in dom
    assert "lost@file" in dom
    assert "nowhere" in dom
    assert "<td>leader</td>" in dom
