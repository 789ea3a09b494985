"""Several instances with several workers share one round robin through the store."""

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
"""Requests in one try: enough for four workers, few enough that some tries have no late ticket."""


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


def test_two_instances_with_two_workers_each_share_one_round_robin(
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
            bodies = [instances[number % 2].request("four.test").text for number in range(REQUESTS)]
            return Counter(bodies) == dict.fromkeys("abcd", REQUESTS // 4) and bodies[4:] == bodies[:-4]

        # On a busy machine a ticket may be late; the worker then uses its own, so the test tries again.
        until(is_round_robin, "one round robin", timeout=150)
