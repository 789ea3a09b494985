"""The command `rondpoint`: help, unknown commands, bad settings and shell completion."""

from __future__ import annotations

import importlib.metadata
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lab.processes import installed


def run(
    cwd: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `rondpoint` with these arguments, in this directory and with only this environment."""
    return subprocess.run(
        [installed("rondpoint"), *arguments],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **(environ or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_version_is_that_of_the_distribution(tmp_path: Path) -> None:
    result = run(tmp_path, "--version")
    assert result.stdout.strip() == f"rondpoint, version {importlib.metadata.version('rondpoint')}"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_command(tmp_path: Path, option: str) -> None:
    result = run(tmp_path, option)
    assert result.returncode == 0
    for command in ("agent", "check", "proxy", "routes", "up"):
        assert f"\n  {command} " in result.stdout


def test_up_explains_itself(tmp_path: Path) -> None:
    result = run(tmp_path, "up", "--help")
    assert result.returncode == 0
    assert "SIGHUP" in result.stdout


def test_a_misspelt_command_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    result = run(tmp_path, "route")
    assert result.returncode == 2
    assert "Unknown command 'route'. Did you mean routes?" in result.stderr


@pytest.mark.parametrize("arguments", [["--dokcer", "--workers=0"], ["up", "--dokcer", "--workers=0"]])
def test_unusable_settings_print_all_errors_and_exit_with_2(tmp_path: Path, arguments: list[str]) -> None:
    result = run(tmp_path, *arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert sorted(result.stderr.splitlines()) == [
        "error: settings: flag --dokcer: unknown key dokcer (did you mean --docker?)",
        "error: settings: flag --workers: bad value '0' for workers (expected 1 or more)",
    ]


@pytest.mark.parametrize("command", ["agent", "proxy"])
def test_an_unusable_store_secret_stops_the_start(tmp_path: Path, command: str) -> None:
    result = run(tmp_path, command, "--redis.url=redis://127.0.0.1:1", "--store.secretFile=/nowhere")
    assert result.returncode == 2
    assert "error: settings: store.secretFile: /nowhere cannot be read" in result.stderr


def test_a_bare_word_after_up_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, "up", "docker")
    assert result.returncode == 2
    assert "'docker' is not a flag" in result.stderr


def test_routes_reports_an_api_that_does_not_respond(tmp_path: Path) -> None:
    result = run(tmp_path, "routes", "--entryPoints.traefik.address=127.0.0.1:1")
    assert result.returncode == 1
    assert result.stderr.startswith("error: no response from http://127.0.0.1:1 ")
    assert "is `rondpoint up` running?" in result.stderr


def test_the_module_is_the_command(tmp_path: Path) -> None:
    python = str(Path(installed("rondpoint")).parent / "python")
    result = subprocess.run(
        [python, "-m", "rondpoint", "--version"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("rondpoint, version ")


def test_shells_get_a_completion_script(tmp_path: Path) -> None:
    for shell in ("bash", "zsh", "fish"):
        result = run(tmp_path, environ={"_RONDPOINT_COMPLETE": f"{shell}_source"})
        assert result.returncode == 0, result.stderr
        assert "rondpoint" in result.stdout
    environ = {"_RONDPOINT_COMPLETE": "bash_complete", "COMP_WORDS": "rondpoint hea", "COMP_CWORD": "1"}
    assert "healthcheck" in run(tmp_path, environ=environ).stdout


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("up --providers.docker.end", ["--providers.docker.endpoint"]),
        ("proxy --WORK", ["--WORKers"]),
        ("agent --entryPoints.shop.addr", ["--entryPoints.shop.address"]),
        (
            "routes --entryPoints.web.transport.lifeCycle.g",
            ["--entryPoints.web.transport.lifeCycle.graceTimeOut"],
        ),
        ("--providers.file.f", ["--providers.file.filename"]),
        ("up --nothing", []),
    ],
)
def test_settings_are_completed(tmp_path: Path, words: str, completions: list[str]) -> None:
    environ = {
        "_RONDPOINT_COMPLETE": "bash_complete",
        "COMP_WORDS": f"rondpoint {words}",
        "COMP_CWORD": str(len(words.split())),
    }
    lines = run(tmp_path, environ=environ).stdout.splitlines()
    assert [line.partition(",")[2] for line in lines if line] == completions
