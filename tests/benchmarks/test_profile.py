import pytest

from benchmarks.profile import Function, functions


def test_own_time_is_the_innermost_functions_and_total_time_all_of_the_stacks():
    stacks = ["run (a.py);serve (b.py);send (c.py) 6", "run (a.py);serve (b.py) 3", "run (a.py) 1"]
    assert functions(stacks) == [
        Function("send (c.py)", 0.6, 0.6),
        Function("serve (b.py)", 0.3, 0.9),
        Function("run (a.py)", 0.1, 1.0),
    ]


def test_a_function_that_calls_itself_is_counted_once():
    assert functions(["walk (a.py);walk (a.py) 4"]) == [Function("walk (a.py)", 1.0, 1.0)]


def test_what_is_no_stack_is_refused():
    with pytest.raises(ValueError, match="invalid literal"):
        functions(["run;serve"])
