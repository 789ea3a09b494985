"""Reads `/metrics` as Prometheus does."""

from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.lab import http
from tests.lab.waiting import until


class Scrape:
    """The samples of one response."""

    def __init__(self, text: str) -> None:
        self.samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        self.types: dict[str, str] = {}
        for family in text_string_to_metric_families(text):
            self.types[family.name] = family.type
            for sample in family.samples:
                key = tuple(sorted(sample.labels.items()))
                named = self.samples.setdefault(sample.name, {})
                assert key not in named, sample
                named[key] = sample.value

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of all samples of this name with these labels."""
        wanted = set(labels.items())
        return sum(value for key, value in self.samples.get(name, {}).items() if wanted <= set(key))

    def only(self, name: str, **labels: str) -> float:
        """Return the value of the one sample with exactly these labels."""
        return self.samples[name][tuple(sorted(labels.items()))]


def scrape(port: int, query: str = "", accept: str = "text/plain") -> Scrape:
    response = http.request(port, "localhost", f"/metrics{query}", headers={"Accept": accept})
    assert response.status == 200, response
    return Scrape(response.body.decode())


def wait_for_scrape(port: int, condition: Callable[[Scrape], bool], what: str, query: str = "") -> Scrape:
    """Return the first scrape that fulfils a condition: workers report their counts once a second."""

    def look() -> Scrape | None:
        found = scrape(port, query)
        return found if condition(found) else None

    return until(look, what)
