"""How many connections there is room for."""

import pytest

from proxy.process.file_descriptors import connection_capacity


@pytest.mark.parametrize(
    ("descriptors", "wanted", "room"),
    [
        (1 << 20, 8000, 8000),
        (20_000, 8000, 8000),
        (16_127, 8000, 7999),
        (1024, 8000, 448),
        (1024, 100, 100),
        (200, 8000, 75),
        (4, 8000, 1),
    ],
)
def test_each_client_connection_has_a_second_descriptor_and_some_are_left(
    descriptors: int, wanted: int, room: int
) -> None:
    assert connection_capacity(descriptors, wanted) == room


def test_who_asks_for_more_than_half_gets_it() -> None:
    assert connection_capacity(20_000, 12_000, explicit=True) == 12_000
    assert connection_capacity(10_000, 12_000, explicit=True) == 9_872
