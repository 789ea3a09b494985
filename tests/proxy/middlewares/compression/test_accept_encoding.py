"""The choice of a content coding by Accept-Encoding."""

import pytest

from proxy.middlewares.compression.accept_encoding import compile_choice

CASES = [
    # value, encodings, default encoding, choice
    (b"gzip", "gzip br zstd", "", "gzip"),
    (b"br", "gzip br zstd", "", "br"),
    (b"zstd, br, gzip", "gzip br zstd", "", "gzip"),
    (b"zstd, br, gzip", "zstd br gzip", "", "zstd"),
    (b"gzip;q=0.8, br;q=0.9, zstd;q=0.1", "gzip br zstd", "", "br"),
    (b"gzip ; q=0.8 ,\tbr;Q=0.81", "gzip br zstd", "", "br"),
    (b"GZip", "gzip br zstd", "", "gzip"),
    (b"zstd", "gzip br", "", ""),
    (b"", "gzip br zstd", "gzip", ""),
    (b"deflate, compress", "gzip br zstd", "", ""),
    (b"gzip;q=0", "gzip br zstd", "", ""),
    (b"gzip;q=0.000, br;q=0.001", "gzip br zstd", "", "br"),
    (b"identity", "gzip br zstd", "", ""),
    (b"identity, gzip", "gzip br zstd", "", "gzip"),
    (b"identity, gzip;q=0.5", "gzip br zstd", "", ""),
    (b"identity;q=0.3, gzip;q=0.5", "gzip br zstd", "", "gzip"),
    (b"identity;q=0, br", "gzip br zstd", "", "br"),
    (b"*", "gzip br zstd", "", "gzip"),
    (b"*", "gzip br zstd", "zstd", "zstd"),
    (b"*;q=0", "gzip br zstd", "gzip", ""),
    (b"br, *;q=0", "gzip br zstd", "gzip", "br"),
    (b"gzip, *", "gzip br zstd", "br", "br"),
    (b"gzip;q=0, *", "gzip br zstd", "", "br"),
    (b"gzip;q=0, *", "gzip br zstd", "gzip", "br"),
    (b"br, *;q=0.5", "gzip br zstd", "gzip", "br"),
    (b"gzip;q=0.5, *", "gzip br zstd", "", "br"),
    (b"gzip;q=x, br", "gzip br zstd", "", "br"),
    (b"gzip;q=2", "gzip br zstd", "", ""),
    (b"gz ip, ;q=1, ,br", "gzip br zstd", "", "br"),
    (b"br," * 2000 + b"gzip;q=0.5", "gzip br zstd", "", "br"),
]


@pytest.mark.parametrize(("value", "encodings", "default", "choice"), CASES)
def test_the_highest_weight_wins_and_of_equals_the_first(
    value: bytes, encodings: str, default: str, choice: str
) -> None:
    choose = compile_choice(encodings.split(), default)
    assert choose(value) == choice
    assert choose(value) == choice
