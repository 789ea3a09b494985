"""The capacity for client connections."""

import pytest

from proxy.process.file_descriptors import connection_capacity, session_capacity


@pytest.mark.parametrize(
    ("descriptors", "wanted", "capacity"),
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
def test_each_client_connection_reserves_a_second_descriptor(
    descriptors: int, wanted: int, capacity: int
) -> None:
    assert connection_capacity(descriptors, wanted) == capacity


def test_an_explicit_setting_may_use_more_than_half() -> None:
    assert connection_capacity(20_000, 12_000, explicit=True) == 12_000
    assert connection_capacity(10_000, 12_000, explicit=True) == 9_872


def test_udp_sessions_leave_most_descriptors_to_connections() -> None:
    assert session_capacity(20_000, 4_000) == 4_000
    assert session_capacity(1_024, 4_000) == 256
    assert session_capacity(3, 4_000) == 1
