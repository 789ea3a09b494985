"""Several instances with several workers each, on one store: one rotation for all."""

import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.lab.installation import start
from tests.lab.origin import Origin
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.waiting import until

REQUESTS = 80
"""Requests one after the other: enough for all four workers, and not so many that a ticket is always late."""


def configuration(ports: list[int]) -> str:
    servers = [{"url": f"http://127.0.0.1:{port}"} for port in ports]
    return json.dumps(
        {
            "http": {
                "routers": {"four": {"rule": "Host(`four.test`)", "service": "four"}},
                "services": {"four": {"loadBalancer": {"servers": servers}}},
            }
        }
    )


def test_two_instances_with_two_workers_each_share_one_rotation(
    processes: Processes, store: Store, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        origins = [stack.enter_context(Origin.named(name)) for name in ("a", "b", "c", "d")]
        routes = tmp_path / "routes.yml"
        routes.write_text(configuration([origin.port for origin in origins]))
        shared = {"RONDPOINT_REDIS_URL": store.url, "RONDPOINT_STATEDIRECTORY": str(tmp_path)}
        processes("rondpoint", "agent", f"--providers.file.filename={routes}", environment=shared)
        instances = [
            start(processes, "--workers=2", command=("proxy",), environment=shared) for _ in range(2)
        ]
        for instance in instances:
            instance.wait_for("four.test")
        instances[0].wait_for_workers(4)

        def is_round_robin() -> bool:
            answers = [instances[number % 2].request("four.test").text for number in range(REQUESTS)]
            return Counter(answers) == dict.fromkeys("abcd", REQUESTS // 4) and answers[4:] == answers[:-4]

        # A ticket that is late, as on a busy machine, is replaced by the worker's own.
        until(is_round_robin, "one rotation", timeout=150)
