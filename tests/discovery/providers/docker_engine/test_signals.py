import pytest

from discovery.providers.docker_engine.signals import signal_number


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("", 15),
        ("SIGTERM", 15),
        ("SIGQUIT", 3),
        ("quit", 3),
        ("9", 9),
        ("SIGRTMIN+3", 37),
        ("SIGRTMIN", 34),
        ("SIGNONSENSE", 15),
    ],
)
def test_signals_are_known_by_name_and_number(name: str, number: int) -> None:
    assert signal_number(name) == number
