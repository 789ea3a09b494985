"""The log file, written and rotated by several processes at once."""

import gzip
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rondpoint.logs import log_file
from rondpoint.logs.log_file import LogFile
from rondpoint.logs.rotated_files import Retention, backup_path, clean_up, files_to_remove, rotation_time
from tests.lab.waiting import until

LOG = Path("/var/log/rondpoint.log")
NOW = datetime(2026, 11, 26, 4, 5, 6, 789_000, UTC)

# Writes numbered lines, some of them long; half of the processes are forked with the file open.
WRITER = """
import logging, os, sys
from pathlib import Path
from rondpoint.logs.log_file import LogFile
from rondpoint.logs.rotated_files import Retention
path, processes, lines = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
handler = LogFile(path, 40_000, Retention(compress=True))
logging.getLogger().addHandler(handler)
children = []
for process in range(processes):
    child = os.fork()
    if not child:
        for number in range(lines):
            logging.error("%d %d %s", process, number, "x" * (number * 37 % 9000))
        os._exit(0)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
"""


@pytest.fixture
def logger(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    found = logging.getLogger(f"tests.{request.node.name}")
    found.propagate = False
    yield found
    for handler in tuple(found.handlers):
        found.removeHandler(handler)
        handler.close()


def text(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()


def backups(path: Path) -> list[Path]:
    return sorted(each for each in path.parent.iterdir() if rotation_time(path, each.name))


def test_processes_that_rotate_one_file_lose_or_tear_no_line(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "rondpoint.log"
    command = [sys.executable, "-c", WRITER, str(path), "3", "200"]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(200) for process in running] == [0, 0]
    clean_up(path, Retention(compress=True))
    assert len(backups(path)) > 100
    assert not [each for each in path.parent.iterdir() if each.suffix == ".part"]
    lines = [line.split(" ") for each in (*backups(path), path) for line in text(each).splitlines()]
    assert all(len(filler) == int(number) * 37 % 9000 for _, number, filler in lines)
    found = sorted((int(process), int(number)) for process, number, _ in lines)
    assert found == sorted(
        (process, number) for process in range(3) for number in range(200) for _ in running
    )


def test_a_file_is_rotated_before_it_grows_beyond_its_size(tmp_path: Path, logger: logging.Logger) -> None:
    path = tmp_path / "own.log"
    logger.addHandler(LogFile(path, 100, Retention(compress=False)))
    for letter in "abc":
        logger.error(letter * 60)
    logger.error("d" * 500)
    logger.error("e")
    assert path.read_text() == "e\n"
    assert [text(each)[0] for each in backups(path)] == list("abcd")


def test_a_file_that_cannot_be_renamed_grows_on_and_that_is_logged(
    tmp_path: Path, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.log"
    # The name is too long for any folder; a read-only folder would not stop root, who may run this test.
    monkeypatch.setattr(log_file, "_unused_backup_path", lambda _path, _now: tmp_path / ("n" * 300))
    logger.addHandler(LogFile(path, 10, Retention()))
    messages: list[str] = []
    other = logging.getLogger("rondpoint.logs.log_file")
    other.addFilter(lambda record: messages.append(record.getMessage()) is not None)
    for number in range(3):
        logger.error("line %d", number)
    other.filters.clear()
    assert path.read_text() == "line 0\nline 1\nline 2\n"
    assert len(messages) == 1
    assert "log.maxSize has no effect any more" in messages[0]


def test_a_link_stays_and_its_target_is_rotated(tmp_path: Path, logger: logging.Logger) -> None:
    folders = link_folder, folder = tmp_path / "links", tmp_path / "logs"
    for each in folders:
        each.mkdir()
    link, path = link_folder / "own.log", folder / "current.log"
    link.symlink_to("../logs/current.log")
    logger.addHandler(LogFile(link, 10, Retention(compress=False)))
    for letter in "abc":
        logger.error(letter * 8)
    assert [each.name for each in link_folder.iterdir()] == ["own.log"]
    assert link.is_symlink()
    assert path.read_text() == "c" * 8 + "\n"
    assert [text(each)[0] for each in backups(path)] == ["a", "b"]


def test_a_changed_link_is_followed(tmp_path: Path, logger: logging.Logger) -> None:
    link = tmp_path / "own.log"
    link.symlink_to("one.log")
    logger.addHandler(LogFile(link, 100))
    logger.error("one")
    link.unlink()
    link.symlink_to("other.log")
    logger.error("other")
    assert [(tmp_path / name).read_text() for name in ("one.log", "other.log")] == ["one\n", "other\n"]


TO_A_LINK = """
import logging, sys
from pathlib import Path
from rondpoint.logs.log_file import LogFile
logging.getLogger().addHandler(LogFile(Path(sys.argv[1]), 10))
for number in range(3):
    logging.error("line %d", number)
"""


def test_a_link_to_an_open_file_grows_on_and_that_is_logged(tmp_path: Path) -> None:
    path, link = tmp_path / "own.log", tmp_path / "stdout"
    # Like `/dev/stdout`.
    link.symlink_to("/proc/self/fd/1")
    with path.open("ab") as out:
        subprocess.run([sys.executable, "-c", TO_A_LINK, str(link)], stdout=out, check=True, timeout=60)
    lines = path.read_text().splitlines()
    assert [each for each in lines if each.startswith("line")] == ["line 0", "line 1", "line 2"]
    assert sum("log.maxSize has no effect any more" in each for each in lines) == 1
    assert sorted(tmp_path.iterdir()) == [path, link]
    assert link.is_symlink()


CUT_SHORT = """
import logging, resource, sys
from pathlib import Path
from rondpoint.logs.log_file import LogFile
log = logging.getLogger()
log.addHandler(LogFile(Path(sys.argv[1])))
for size, line in ((20, "a line of this log"), (resource.RLIM_INFINITY, "the next one")):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    log.error(line)
"""


def test_the_message_after_a_torn_line_begins_a_line(tmp_path: Path, logger: logging.Logger) -> None:
    path = tmp_path / "own.log"
    handler = LogFile(path)
    logger.addHandler(handler)
    logger.error("before")
    # A limit on the size of files cuts a write short like a full disk.
    subprocess.run([sys.executable, "-c", CUT_SHORT, str(path)], check=True, capture_output=True, timeout=60)
    with path.open("a") as log:
        log.write("cut sh")
    logger.error("behind")
    assert path.read_text() == "before\na line of thi\nthe next one\ncut sh\nbehind\n"


def test_reopen_creates_a_file_that_was_moved_away_again(tmp_path: Path, logger: logging.Logger) -> None:
    path = tmp_path / "own.log"
    handler = LogFile(path)
    logger.addHandler(handler)
    logger.error("one")
    path.rename(tmp_path / "moved")
    handler.reopen()
    assert path.read_text() == ""
    logger.error("two")
    assert ((tmp_path / "moved").read_text(), path.read_text()) == ("one\n", "two\n")


def test_old_files_are_compressed_and_removed_in_the_background(
    tmp_path: Path, logger: logging.Logger
) -> None:
    path = tmp_path / "own.log"
    logger.addHandler(LogFile(path, 20, Retention(max_files=2, compress=True)))
    for number in range(6):
        logger.error("line %d of this log", number)
        # Only one process at a time compresses files; others wait.
        until(lambda: all(each.suffix == ".gz" for each in backups(path)), "compressed files")
    until(lambda: len(backups(path)) == 2, "two old files")
    assert [text(each) for each in backups(path)] == ["line 3 of this log\n", "line 4 of this log\n"]


IN_A_WORKER = """
from gevent import monkey
monkey.patch_all()
import logging, sys, time
from pathlib import Path
from rondpoint.logs.log_file import LogFile
from rondpoint.logs.rotated_files import Retention
path = Path(sys.argv[1])
logging.getLogger().addHandler(LogFile(path, 20, Retention()))
logging.error("line %d of this log", 1)
logging.error("line %d of this log", 2)
# The thread works although no greenlet yields here.
until = time.monotonic() + 120
while [old.suffix for old in path.parent.glob("own-*")] != [".gz"] and time.monotonic() < until:
    pass
"""


def test_a_worker_compresses_in_a_real_thread(tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    subprocess.run([sys.executable, "-c", IN_A_WORKER, str(path)], check=True, timeout=200)
    (old,) = backups(path)
    assert (old.suffix, text(old), text(path)) == (".gz", "line 1 of this log\n", "line 2 of this log\n")


NAMES = [
    ("rondpoint-2026-11-26T04-05-06.789.log", NOW),
    ("rondpoint-2026-11-26T04-05-06.789.log.gz", NOW),
    ("rondpoint-2026-11-26T04-05-06.789.log.gz.part", None),
    ("rondpoint-2026-13-26T04-05-06.789.log", None),
    ("rondpoint.log", None),
    ("other-2026-11-26T04-05-06.789.log", None),
    ("rondpoint-access.log", None),
]


@pytest.mark.parametrize(("name", "at"), NAMES)
def test_only_files_with_a_time_in_their_name_are_rotated_files(name: str, at: datetime | None) -> None:
    assert rotation_time(LOG, name) == at


def test_rotated_files_have_traefiks_names() -> None:
    assert backup_path(LOG, NOW).name == "rondpoint-2026-11-26T04-05-06.789.log"
    assert backup_path(Path("/x/log"), NOW).name == "log-2026-11-26T04-05-06.789"


def test_too_many_and_too_old_files_are_removed() -> None:
    names = [backup_path(LOG, NOW - timedelta(days=days)).name for days in range(5)]
    others = ["rondpoint.log", "other.log"]
    assert files_to_remove(LOG, [*others, *names], Retention(), NOW) == []
    assert files_to_remove(LOG, [*others, *names], Retention(max_files=2), NOW) == names[2:]
    assert files_to_remove(LOG, [*others, *names], Retention(days=3), NOW + timedelta(hours=1)) == names[3:]
    assert files_to_remove(LOG, names, Retention(max_files=4, days=1), NOW) == names[2:]
