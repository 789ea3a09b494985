"""The pipes by which bodies move inside the kernel."""

from __future__ import annotations

import os
from pathlib import Path

from proxy.net.splicing import Pipes


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_peers_that_read_nothing_occupy_a_limited_number_of_descriptors() -> None:
    before = descriptors()
    pipes = Pipes(3)
    taken = []
    while pipes.ready():
        taken.append(pipes.take())
    assert len(taken) == 3
    assert descriptors() == before + 6
    # One that still holds bytes is closed, and another one may take its place.
    os.write(taken[0][1], b"x")
    pipes.give_back(taken[0], clean=False)
    assert descriptors() == before + 4
    assert pipes.ready()
    taken[0] = pipes.take()
    for pipe in taken:
        pipes.give_back(pipe, clean=True)
    assert pipes.ready()
    assert pipes.take() in taken
    for end in sum(taken, ()):
        os.close(end)
