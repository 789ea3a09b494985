"""The worst check of an instance and its node counts; maintenance is worst."""

import pytest

from discovery.providers.consul_catalog.health import health_of


def check(status: str, service: str = "", name: str = "c", node: str = "n") -> dict[str, str]:
    return {"Node": node, "ServiceID": service, "CheckID": name, "Status": status}


CASES = [
    ([], "passing"),
    ([check("passing", "s")], "passing"),
    ([check("warning", "s")], "warning"),
    ([check("warning", "s"), check("critical", "s", "d")], "critical"),
    ([check("critical", "s"), check("warning", "s", "d")], "critical"),
    ([check("critical")], "critical"),
    ([check("critical", node="other")], "passing"),
    ([check("critical", "other")], "passing"),
    ([check("critical", name="_node_maintenance")], "maintenance"),
    ([check("critical", "s", "_service_maintenance:s"), check("critical", "s")], "maintenance"),
    ([check("unheard-of", "s")], "critical"),
]


@pytest.mark.parametrize(("checks", "expected"), CASES)
def test_the_worst_check_counts(checks: list[dict[str, str]], expected: str) -> None:
    assert health_of(checks).status_of(("n", "s")) == expected
