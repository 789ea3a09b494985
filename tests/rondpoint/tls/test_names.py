"""The names that a certificate is valid for."""

import pytest

from rondpoint.tls.names import covers


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        (("a.test",), "a.test", True),
        (("*.a.test",), "b.a.test", True),
        (("*.a.test",), "*.a.test", True),
        (("*.a.test",), "a.test", False),
        (("*.a.test",), "c.b.a.test", False),
        (("*.test",), "*.a.test", False),
        (("*.0.2.1",), "192.0.2.1", False),
        ((), "localhost", False),
    ],
)
def test_a_wildcard_covers_one_label(names: tuple[str, ...], name: str, expected: bool) -> None:
    assert covers(names, name) is expected
