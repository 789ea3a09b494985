"""When the tasks of services in transition are read again; the clock is a variable here."""

from itertools import pairwise

from discovery.providers.swarm.motion import LONGEST, QUIET, SHORTEST, Motion


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def readings(motion: Motion, clock: Clock, seconds: float, *, settled: bool) -> list[float]:
    """Read each service when it is due, for so many seconds; return the seconds since the start."""
    start, found = clock.now, []
    while motion.next_due is not None and motion.next_due <= start + seconds:
        clock.now = motion.next_due
        found.append(clock.now - start)
        for service in motion.due():
            motion.note_reading(service, changed=False, settled=settled)
    clock.now = start + seconds
    return found


def test_a_touched_service_is_read_until_it_is_quiet() -> None:
    clock = Clock()
    motion = Motion(clock)
    motion.touch("web")
    found = readings(motion, clock, 60.0, settled=True)
    assert abs(found[0] - SHORTEST) < 1e-9
    assert QUIET <= found[-1] < QUIET + 1.0
    assert motion.next_due is None


def test_the_interval_of_an_unsettled_service_grows_with_the_time_since_its_last_change() -> None:
    clock = Clock()
    motion = Motion(clock)
    motion.note_reading("web", changed=False, settled=False)
    found = readings(motion, clock, 3600.0, settled=False)
    intervals = [later - earlier for earlier, later in pairwise(found)]
    assert abs(intervals[0] - SHORTEST) < 1e-9
    assert intervals == sorted(intervals)
    assert abs(intervals[-1] - LONGEST) < 1e-9
    assert len(found) < 320


def test_a_change_makes_the_interval_short_again() -> None:
    clock = Clock()
    motion = Motion(clock)
    motion.touch("web")
    readings(motion, clock, 60.0, settled=False)
    motion.note_reading("web", changed=True, settled=False)
    assert motion.next_due == clock.now + SHORTEST


def test_a_settled_service_is_not_read_again() -> None:
    motion = Motion(Clock())
    motion.note_reading("web", changed=True, settled=True)
    assert motion.next_due is None


def test_only_services_that_are_due_are_read() -> None:
    clock = Clock()
    motion = Motion(clock)
    motion.touch("a")
    clock.now += SHORTEST / 2
    motion.touch("b")
    clock.now += SHORTEST / 2 + 1e-6
    assert motion.due() == ["a"]
    motion.keep(["b"])
    assert motion.due() == []
    assert "b" in motion
