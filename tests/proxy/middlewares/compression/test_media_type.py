"""Media types in Content-Type."""

import pytest

from proxy.middlewares.compression.media_type import media_type


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"text/html", b"text/html"),
        (b" Text/HTML ; charset=utf-8", b"text/html"),
        (b"text/html;charset=utf-8;x", b"text/html"),
        (b"application/vnd.api+json", b"application/vnd.api+json"),
        (b"text", b"text"),
        (b"", b""),
        (b";charset=utf-8", b""),
        (b"text/", b""),
        (b"text/html, text/plain", b""),
        (b"te xt/html", b""),
    ],
)
def test_a_media_type_is_in_lower_case_without_parameters(value: bytes, expected: bytes) -> None:
    assert media_type(value) == expected
