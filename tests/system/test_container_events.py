"""The effects of container events on clients."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from docker.models.containers import Container

from tests.lab.engine import Engine
from tests.lab.http import Response
from tests.lab.installation import Installation
from tests.lab.waiting import until

Start = Callable[..., Container]
LABELS = {"traefik.backend": "w", "traefik.frontend.rule": "Host:w.test"}


class Requests:
    """Sends one request, or one after the other, in a thread."""

    def __init__(self, running: Installation, path: str, *, repeat: bool) -> None:
        self.responses: list[Response] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(running, path, repeat))
        self._thread.start()

    def _run(self, running: Installation, path: str, repeat: bool) -> None:
        while not self._end.is_set():
            self.responses.append(running.request("w.test", path, timeout=120))
            if not repeat:
                return

    def finish(self) -> list[Response]:
        self._end.set()
        self._thread.join()
        return self.responses


def servers(running: Installation) -> list[str]:
    """Return the names of the worker's servers."""
    return [server["name"] for server in running.api("/api/rawdata")["services"]["w@docker"]["servers"]]


@contextmanager
def steady_load(running: Installation) -> Iterator[Requests]:
    requests = Requests(running, "/", repeat=True)
    try:
        yield requests
    finally:
        requests.finish()


def test_a_request_in_flight_waits_for_a_paused_container_and_new_ones_go_elsewhere(
    engine: Engine, whoami: Start, installation: Callable[..., Installation]
) -> None:
    sleeper = whoami(name="sleeper", hostname="sleeper", labels=LABELS)
    running = installation("--docker", "--workers=1", engine=engine)
    running.wait_for_bodies({"sleeper"}, "w.test")
    slow = Requests(running, "/sleep/1000", repeat=False)
    until(lambda: b"sleep 1000" in sleeper.exec_run(["/bin/ps"]).output, "the request to run")
    whoami(name="other", hostname="other", labels=LABELS)
    running.wait_for_bodies({"sleeper", "other"}, "w.test")
    sleeper.pause()
    # Until the worker knows it, a request may go to the paused container, and would wait, too.
    until(lambda: servers(running) == ["other"], "the paused container to be out")
    assert running.bodies(10, "w.test") == ["other"] * 10
    assert slow.responses == []
    sleeper.unpause()
    assert sleeper.exec_run(["/bin/busybox", "killall", "sleep"]).exit_code == 0
    (response,) = slow.finish()
    assert (response.status, response.text) == (200, "sleeper")
    running.wait_for_bodies({"sleeper", "other"}, "w.test")


def test_no_request_fails_while_containers_are_killed_removed_and_restarted(
    engine: Engine, whoami: Start, installation: Callable[..., Installation]
) -> None:
    one, two, three, _four = (
        whoami(name=name, hostname=name, labels=LABELS) for name in ("one", "two", "three", "four")
    )
    running = installation("--docker", "--workers=2", engine=engine)
    running.wait_for_bodies({"one", "two", "three", "four"}, "w.test")
    with steady_load(running) as requests:
        one.kill()
        running.wait_for_bodies({"two", "three", "four"}, "w.test")
        two.remove(force=True)
        running.wait_for_bodies({"three", "four"}, "w.test")
        three.restart(timeout=3)
        running.wait_for_bodies({"three", "four"}, "w.test")
        one.start()
        running.wait_for_bodies({"one", "three", "four"}, "w.test")
    failures = [response for response in requests.responses if response.status != 200]
    assert failures == []
    assert len(requests.responses) > 20
