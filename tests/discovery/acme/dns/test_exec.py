"""Tests of the provider that runs a program."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from discovery.acme.dns.errors import ConfigurationError, ProviderError, StoppedError
from tests.discovery.acme.dns.providing import provider, record
from tests.lab.waiting import until


def program(directory: Path, script: str) -> str:
    path = directory / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize(
    ("mode", "name", "arguments"),
    [
        ("", "example.test", ["_acme-challenge.example.test.", record().value]),
        ("RAW", "example.test", ["--", "example.test", "token", "token.thumbprint"]),
        ("RAW", "$(touch x); a b", ["--", "$(touch x); a b", "token", "token.thumbprint"]),
    ],
)
def test_the_program_gets_the_record_as_arguments_and_no_shell_reads_them(
    tmp_path: Path, mode: str, name: str, arguments: list[str]
) -> None:
    path = program(tmp_path, f"printf '%s\\n' \"$@\" >>{tmp_path}/calls")
    made = provider("exec", {"EXEC_PATH": path, "EXEC_MODE": mode})
    made.present(record(name))
    made.clean_up(record(name))
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["present", *arguments, "cleanup", *arguments]


def test_programs_run_one_after_the_other(tmp_path: Path) -> None:
    script = f"mkdir {tmp_path}/turn || exit 1; sleep 0.02; rmdir {tmp_path}/turn"
    made = provider("exec", {"EXEC_PATH": program(tmp_path, script)})
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(made.present, [record(f"{number}.example.test") for number in range(8)]))


def test_a_failed_program_is_an_error_with_its_output(tmp_path: Path) -> None:
    path = program(tmp_path, "echo one; echo the zone is locked >&2; exit 3")
    with pytest.raises(ProviderError, match=r"program present ended with status 3: one\nthe zone is locked$"):
        provider("exec", {"EXEC_PATH": path}).present(record())


def test_a_program_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    path = program(tmp_path, f"sleep 600 & echo $! >{tmp_path}/child; wait")
    made = provider("exec", {"EXEC_PATH": path, "EXEC_PROPAGATION_TIMEOUT": "1"})
    with pytest.raises(ProviderError, match="present did not end within 1 s") as caught:
        made.present(record())
    assert "EXEC_PROPAGATION_TIMEOUT" in caught.value.hint
    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "cmdline"
    until(lambda: not child.exists() or not child.read_bytes(), "the end of the child")


def test_a_running_program_is_killed_when_the_agent_stops(tmp_path: Path) -> None:
    path = program(tmp_path, f"touch {tmp_path}/began; exec sleep 600")
    stop = threading.Event()

    def stop_it() -> None:
        until((tmp_path / "began").exists, "the program's start")
        stop.set()

    thread = threading.Thread(target=stop_it)
    thread.start()
    begin = time.monotonic()
    with pytest.raises(StoppedError):
        provider("exec", {"EXEC_PATH": path}, stop=stop).present(record())
    thread.join()
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", "^EXEC_PATH is not set$"),
        ("/nonexistent/program", "^EXEC_PATH: cannot run /nonexistent/program: No such file"),
        ("/etc/passwd", "^EXEC_PATH: cannot run /etc/passwd: Permission denied"),
    ],
)
def test_a_program_that_cannot_run_is_an_error(path: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        provider("exec", {"EXEC_PATH": path}).present(record())
