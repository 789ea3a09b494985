"""The application log: its formats and its destination."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rondpoint import logs
from rondpoint.logs import configuration
from rondpoint.settings import Log

log = logging.getLogger("rondpoint.tests")


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    logs.configure(Log())
    if configuration._handler is not None:
        root.removeHandler(configuration._handler)
    root.setLevel(level)


def test_json_has_traefiks_fields_and_ours(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(format="JSON", level="warn"))
    log.info("not this")
    log.warning('%d "quoted"\nlines', 2)
    line = json.loads(capsys.readouterr().err)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert isinstance(line.pop("pid"), int)
    assert line == {"level": "warn", "msg": '2 "quoted"\nlines', "logger": "rondpoint.tests"}


def test_a_text_message_is_one_line_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(Log())
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("label %s", "a\n2026-01-01 ERROR forged\x1b[2J\u202e …")
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first.endswith(r": label a\n2026-01-01 ERROR forged\x1b[2J\u202e …")
    assert second == "Traceback (most recent call last):"


def test_an_exception_is_a_field_on_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(format="json"))
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("it failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["level"] == "error"
    assert json.loads(line)["error"].endswith("ValueError: why")


LEVELS = [
    (logging.DEBUG, "debug"),
    (logging.INFO, "info"),
    (logging.WARNING, "warn"),
    (logging.ERROR, "error"),
    (logging.CRITICAL, "fatal"),
]


@pytest.mark.parametrize(("level", "name"), LEVELS)
def test_levels_have_traefiks_names(level: int, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(format="json", level="trace"))
    log.log(level, "x")
    assert json.loads(capsys.readouterr().err)["level"] == name


def test_a_file_that_was_moved_away_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "logs" / "rondpoint.log"
    logs.configure(Log(file_path=str(path)))
    log.info("first")
    path.rename(tmp_path / "moved")
    log.info("second")
    assert "first" in (tmp_path / "moved").read_text()
    assert re.fullmatch(r"[-\d]+ [:.\d]+ INFO rondpoint\.tests\[\d+\]: second\n", path.read_text())
    assert capsys.readouterr().err == ""


def test_the_log_goes_to_stderr_if_its_file_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    logs.configure(Log(file_path=str(tmp_path / "file" / "rondpoint.log")))
    log.info("after")
    first, second = capsys.readouterr().err.splitlines()
    assert "log.filePath cannot be written" in first
    assert second.endswith("after")


def test_a_json_log_or_a_log_file_is_machine_readable() -> None:
    assert not logs.is_machine_readable(Log())
    assert logs.is_machine_readable(Log(format="json"))
    assert logs.is_machine_readable(Log(file_path="x"))
