from time import monotonic

import pytest

from proxy.exchange.grpc_deadline import GRACE, call_deadline
from proxy.http1.request import Request
from proxy.net.deadlines import NEVER


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"1H", 3600), (b"2M", 120), (b"3S", 3), (b"1500m", 1.5), (b"2000000u", 2), (b"99999999n", 0.1),
        (b"0m", 0), (b"", None), (b"5", None), (b"5s", None), (b"-5S", None), (b"123456789S", None),
    ],
)  # fmt: skip
def test_the_deadline_follows_from_the_timeout(value: bytes, seconds: float | None) -> None:
    request = Request()
    request.headers = b"\r\ncontent-type: application/grpc\r\nGrpc-Timeout: %b\r\nte: trailers" % value
    left = call_deadline(request) - monotonic()
    assert left == (NEVER if seconds is None else pytest.approx(seconds + GRACE, abs=0.5))


def test_a_call_without_a_timeout_has_no_deadline() -> None:
    request = Request()
    request.headers = b"\r\ncontent-type: application/grpc"
    assert call_deadline(request) is NEVER
