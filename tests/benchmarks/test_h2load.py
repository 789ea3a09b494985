"""Tests of the load over HTTP/2."""

from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.h2load import h2load_command, parse_output
from benchmarks.scenarios import SCENARIOS

OUTPUT = """\
Application protocol: h2c

finished in 1.01s, 65152.00 req/s, 2.11MB/s
requests: 4 total, 6 started, 4 done, 3 succeeded, 1 failed, 1 errored, 0 timeout
status codes: 3 2xx, 0 3xx, 1 4xx, 1 5xx
traffic: 2.11MB (2215424) total, 636.45KB (651728) headers (space savings 94.25%), 381.75KB (390912) data
"""
LOG = "1796040362647394\t200\t300\n1796040362647395\t200\t100\n1796040362647395\t200\t200\n"


@pytest.fixture
def log(tmp_path) -> Path:
    file = tmp_path / "log"
    file.write_text(LOG)
    return file


def test_the_output_gives_the_figures_of_a_report(log):
    report = parse_output(OUTPUT, log)
    assert (report.requests, report.duration, report.bytes) == (4, 1_010_000, 390_912)
    assert (report.p50, report.p90, report.p99) == (200, 300, 300)


def test_failed_streams_and_statuses_of_errors_are_errors(log):
    assert parse_output(OUTPUT, log).errors == 3


@pytest.mark.parametrize("missing", ["finished", "requests", "status", "traffic", "Application"])
def test_output_without_a_figure_is_an_error(log, missing):
    with pytest.raises(BenchmarkError, match="no figures"):
        parse_output(OUTPUT.replace(missing, "other"), log)


def test_a_log_without_responses_is_an_error(log):
    log.write_text("")
    with pytest.raises(BenchmarkError, match="no figures"):
        parse_output(OUTPUT, log)


def test_another_protocol_is_an_error(log):
    with pytest.raises(BenchmarkError, match=r"http/1\.1"):
        parse_output(OUTPUT.replace("h2c", "http/1.1"), log)


def test_a_call_is_posted_with_its_trailers_accepted(log):
    command = h2load_command(SCENARIOS["grpc"], 40000, 8, 5, log, Path("/srv/call"))
    for expected in ("--data=/srv/call", "--header=te: trailers", "--header=content-type: application/grpc"):
        assert expected in command
    assert command[-1] == "http://127.0.0.1:40000/bench.Echo/Say"
