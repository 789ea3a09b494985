"""Tests of memory figures."""

import os

from benchmarks.memory import Peak, parse_pss, process_bytes


def test_pss_is_read_in_bytes():
    assert parse_pss("Rss: 9 kB\nPss:               12 kB\nPss_Anon: 3 kB\n") == 12 * 1024
    assert parse_pss("") == 0
    assert process_bytes(os.getpid()) > 1_000_000


def test_a_peak_is_measured_after_it_has_passed():
    peak = Peak(os.getpid())
    assert peak.rise() < 5_000_000
    block = bytearray(b"x") * 50_000_000
    del block
    assert 40_000_000 < peak.rise() < 60_000_000
