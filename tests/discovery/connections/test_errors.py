"""Errors as one line."""

from discovery.connections.errors import one_line


def test_an_error_becomes_one_line_of_at_most_200_characters() -> None:
    assert one_line(ValueError("first\n  second\tthird")) == "first second third"
    assert one_line("a" * 300) == "a" * 200
