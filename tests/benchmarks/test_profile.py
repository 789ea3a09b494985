"""Tests of the summary of profiles."""

import pytest

from benchmarks.profile import Function, summarize


def test_own_time_is_that_of_the_innermost_function_and_total_time_that_of_the_whole_stack():
    stacks = ["run (a.py);serve (b.py);send (c.py) 6", "run (a.py);serve (b.py) 3", "run (a.py) 1"]
    assert summarize(stacks) == [
        Function("send (c.py)", 0.6, 0.6),
        Function("serve (b.py)", 0.3, 0.9),
        Function("run (a.py)", 0.1, 1.0),
    ]


def test_a_function_that_calls_itself_is_counted_once():
    assert summarize(["walk (a.py);walk (a.py) 4"]) == [Function("walk (a.py)", 1.0, 1.0)]


def test_a_line_that_is_not_a_stack_is_refused():
    with pytest.raises(ValueError, match="invalid literal"):
        summarize(["run;serve"])
