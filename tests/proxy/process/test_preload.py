"""gunicorn's master loads what workers use; each worker then works as if it had loaded it itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.imports import modules_after
from tests.lab.ports import free_port
from tests.lab.processes import Process, installed
from tests.lab.store import Store

# The steps of the master and of a worker in one process: what a module took too early, it would keep.
_PROGRAM = """
import importlib, sys, warnings
import gunicorn.app.base, gunicorn.arbiter
import proxy.process.gunicorn_settings, proxy.process.master
from gevent import monkey
from proxy.process.preload import preload

preload()
from proxy.admin import create_app
create_app()
loaded = set(sys.modules)
warnings.simplefilter("ignore")
monkey.patch_all()
importlib.import_module("proxy.runtime")
print("new", *sorted(set(sys.modules) - loaded))
for patched in "_thread os queue select signal socket ssl subprocess threading time".split():
    for item in dir(sys.modules[patched]):
        original = monkey.get_original(patched, item)
        if original is getattr(sys.modules[patched], item) or not callable(original):
            continue
        for name, module in sorted(sys.modules.items()):
            if name.partition(".")[0] in {*sys.stdlib_module_names, "__main__", "gevent"}:
                continue
            for attribute, value in vars(module).items():
                if value is original:
                    print("unpatched", f"{name}.{attribute}")
"""

# A thread of the access log waits by itself.
_EXPECTED = {"proxy.telemetry.log_writer._wait"}


def test_no_module_has_taken_a_function_that_would_hold_the_event_loop() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {line.split()[1] for line in lines if line.startswith("unpatched")} == _EXPECTED
    assert "new" in lines, "a worker has to import more after the fork"


def test_libraries_that_few_settings_need_are_not_loaded() -> None:
    loaded = modules_after("proxy.command", "proxy.process.master", "proxy.runtime", "proxy.admin")
    assert not loaded & {
        "bcrypt",
        "cryptography.hazmat",
        "docker",
        "google.protobuf",
        "requests",
        "zstandard",
    }


def test_a_single_worker_has_the_libraries_of_the_admin_application_only_when_it_is_asked() -> None:
    loaded = modules_after("proxy.command", "proxy.process.master", "proxy.runtime")
    assert not loaded & {"flask", "jinja2", "werkzeug"}


def test_a_single_worker_has_the_parser_of_conditions_only_when_a_middleware_has_one() -> None:
    assert "lark" not in modules_after("proxy.command", "proxy.process.master", "proxy.runtime")


def test_a_broken_import_ends_the_start_before_the_first_worker(store: Store, tmp_path: Path) -> None:
    broken = tmp_path / "flask"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('flask is broken')")
    flags = [f"--redis.url={store.url}", f"--entryPoints.web.address=127.0.0.1:{free_port()}"]
    flags += [f"--entryPoints.traefik.address=127.0.0.1:{free_port()}", "--workers=2"]
    with Process(
        [installed("rondpoint"), "proxy", *flags], environment={"PYTHONPATH": str(tmp_path)}
    ) as process:
        try:
            process.wait_for_line("Booting worker")
        except LabError:
            pass
        else:
            raise AssertionError("a worker starts")
        assert "flask is broken" in process.log
