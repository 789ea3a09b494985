"""The agent loads only the libraries that its settings need."""

import pytest

from tests.lab.imports import modules_after

LIBRARIES = {
    "acme",
    "bcrypt",
    "consul",
    # redis-py looks only for the package itself, which is small.
    "cryptography.hazmat",
    "dns",
    "docker",
    "jh2",
    "josepy",
    # Compiles the regular expressions of rules.
    "re2",
    "requests",
}


@pytest.mark.parametrize(
    ("modules", "needed"),
    [
        (["discovery.process.command"], set()),
        (["discovery.process.command", "discovery.providers.file"], set()),
        (["discovery.process.command", "discovery.providers.docker"], {"docker", "requests"}),
    ],
    ids=["an agent without providers", "with files", "with Docker"],
)
def test_libraries_are_loaded_when_they_are_needed(modules: list[str], needed: set[str]) -> None:
    assert modules_after(*modules) & LIBRARIES == needed


def test_the_agent_does_not_load_the_proxys_libraries() -> None:
    loaded = modules_after("discovery.process.command", "discovery.providers.docker")
    assert not loaded & {"flask", "gevent", "gunicorn", "jinja2", "werkzeug"}
