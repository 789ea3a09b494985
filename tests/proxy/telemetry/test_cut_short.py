"""Access log writes after the system cut a write short."""

import errno
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy.telemetry.log_writer import LogWriter

# A limit on the file size cuts a write short, as a full disk does.
CUT = """
import resource, sys
from pathlib import Path
from proxy.telemetry.log_writer import LogWriter
writer = LogWriter(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
more = resource.RLIM_INFINITY
for size, text in ((30, "one line\\nand another one, that is too long\\n"), (more, "the next\\n")):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    fault = writer._write([text.encode()])
    print(fault and fault.errno, file=sys.stderr)
"""


@pytest.mark.parametrize("to_a_path", [True, False])
def test_the_next_write_begins_a_line(tmp_path: Path, to_a_path: bool) -> None:
    path = tmp_path / "log"
    command = [sys.executable, "-c", CUT, *([str(path)] if to_a_path else [])]
    with path.open("ab") as out:
        run = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=True, timeout=60)
    assert run.stderr.split() == [str(errno.EFBIG).encode(), b"None"]
    assert path.read_text() == "one line\nand another one, that\nthe next\n"


def test_a_write_of_another_worker_begins_a_line_too(tmp_path: Path) -> None:
    path = tmp_path / "log"
    workers = [LogWriter(path) for _ in range(2)]
    assert [each._write([b"one\n"]) for each in workers] == [None, None]
    with path.open("ab") as log:
        log.write(b"cut sh")
    assert [each._write([b"two\n"]) for each in workers] == [None, None]
    assert path.read_text() == "one\none\ncut sh\ntwo\ntwo\n"


def test_lines_of_one_write_stay_together(tmp_path: Path) -> None:
    path = tmp_path / "log"
    text = b"".join(b"%d %s\n" % (number, b"x" * (number % 900)) for number in range(2000))

    def write() -> None:
        writer = LogWriter(path)
        for _ in range(20):
            assert writer._write([text]) is None

    with ThreadPoolExecutor() as pool:
        for writing in [pool.submit(write) for _ in range(4)]:
            writing.result()
    assert Counter(path.read_bytes().splitlines(keepends=True)) == dict.fromkeys(
        text.splitlines(keepends=True), 80
    )
