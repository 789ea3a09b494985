import pytest

from proxy.http1.grpc_status import find_grpc_status

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/grpc"


@pytest.mark.parametrize(
    ("head", "trailers", "expected"),
    [
        (HEAD, b"grpc-status: 0\r\n", 0),
        (HEAD, b"a: b\r\nGrpc-Status:14 \r\ngrpc-message: no\r\n", 14),
        (HEAD + b"\r\ngrpc-status: 7", b"", 7),
        (HEAD + b"\r\ngrpc-status: 7", b"grpc-status: 5\r\n", 5),
        (HEAD, b"grpc-status: 17\r\n", 2),
        (HEAD, b"grpc-status: 1000\r\n", 2),
        (HEAD, b"grpc-status: x\r\n", -1),
        (HEAD, b"x-grpc-status: 1\r\n", -1),
        (HEAD, b"", -1),
    ],
    ids=[
        "trailers",
        "among others",
        "in the head",
        "both",
        "undefined",
        "long",
        "no number",
        "other",
        "none",
    ],
)
def test_the_status_of_a_call(head: bytes, trailers: bytes, expected: int) -> None:
    assert find_grpc_status(head, trailers) == expected
