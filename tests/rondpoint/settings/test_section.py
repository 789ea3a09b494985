"""Sections of the settings tree: how they are declared, read and compared."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree import Section
from rondpoint.settings.tree.section import (
    SectionError,
    as_dict,
    description_of,
    fields_of,
    given_names,
    read_section,
    replace,
)
from rondpoint.settings.values import PositiveInt, Seconds, Switch, Text
from tests.lab.imports import modules_after


class Inner(Section):
    time: Seconds = 1.0
    name: Text = Field(description="The name.")


class Outer(Section):
    switch: Switch = Field(default=False, description="A switch.")
    kind: Literal["a", "b"] = "a"
    optional: Inner | None = None
    plain: Inner = Inner(name="plain")
    by_name: Mapping[str, Inner] = Field(default_factory=dict)
    duration: Seconds | None = None
    computed: tuple[int, ...] = Field(default=(), exclude=True)


class Derived(Outer):
    count: PositiveInt = 1
    switch: Switch = Field(default=True)


def upper(value: object) -> object:
    return str(value).upper()


class Named(Section):
    use_bind_port_ip: Switch = False
    max_age: PositiveInt = 1


class Doubly(Section):
    text: Annotated[Annotated[str, Parse(lambda value: f"<{value}>")], Parse(upper)] = ""


def test_values_are_read_by_the_parsers_of_their_types() -> None:
    values = {
        "switch": "true",
        "kind": "b",
        "optional": {"time": "1m", "name": 7},
        "by_name": {"x": {"name": "x"}, "y": Inner(name="y")},
        "duration": "2s",
        "computed": (1,),
    }
    outer = read_section(Outer, values)
    assert (outer.duration, Outer(duration=None).duration, Outer().duration) == (2.0, None, None)
    assert outer.optional == Inner(time=60.0, name="7")
    assert outer.by_name == {"x": Inner(name="x"), "y": Inner(name="y")}
    assert (outer.switch, outer.kind, outer.plain.name, outer.computed) == (True, "b", "plain", (1,))


def test_values_are_given_by_attribute_or_by_key() -> None:
    named = read_section(Named, {"useBindPortIP": "1", "max_age": 2})
    assert named == Named(use_bind_port_ip=True, max_age=2)
    assert given_names(named) == {"use_bind_port_ip", "max_age"}


def test_the_outer_parser_gets_the_value_as_written() -> None:
    assert Doubly(text="a").text == "<A>"


def test_all_faults_are_reported_with_their_paths() -> None:
    with pytest.raises(SectionError) as raised:
        read_section(
            Outer,
            {
                "switch": "perhaps",
                "kind": "c",
                "optional": {"time": "-1s"},
                "plain": "text",
                "by_name": {"x": {"name": "x", "time": "soon"}, "y": {}},
            },
        )
    duration = "expected a duration such as 10s, 1m30s or a number of seconds"
    assert [(".".join(fault.path), fault.reason) for fault in raised.value.faults] == [
        ("switch", "expected true or false"),
        ("kind", "expected one of a, b"),
        ("optional.time", duration),
        ("optional.name", "required"),
        ("plain", "expected keys below it"),
        ("by_name.x.time", duration),
        ("by_name.y.name", "required"),
    ]
    assert "switch: expected true or false; kind: " in str(raised.value)


def test_an_unknown_attribute_is_an_error_of_the_program() -> None:
    with pytest.raises(TypeError, match="Inner has no nmae"):
        read_section(Inner, {"nmae": "x", "name": "y"})


def test_a_value_needs_a_parser() -> None:
    with pytest.raises(TypeError, match="neither a section nor has a parser"):

        class Unread(Section):
            number: int = 1


def test_a_derived_section_has_the_other_fields_of_its_base_first() -> None:
    inherited = [name for name in fields_of(Outer) if name != "switch"]
    assert list(fields_of(Derived)) == [*inherited, "count", "switch"]
    assert (Derived().switch, Outer().switch) == (True, False)
    assert description_of(fields_of(Inner)["name"]) == "The name."


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_sections_are_values(duplicate: Any) -> None:
    inner = Inner(name="x")
    assert duplicate(inner) == inner
    assert hash(duplicate(inner)) == hash(inner)
    assert inner != Inner(name="y")
    assert inner != "x"
    assert repr(inner) == "Inner(time=1.0, name='x')"
    assert as_dict(inner) == {"time": 1.0, "name": "x"}
    outer = as_dict(Outer(by_name={"y": inner}))
    assert (outer["plain"], outer["by_name"]) == ({"time": 1.0, "name": "plain"}, {"y": as_dict(inner)})


def test_a_section_knows_which_values_were_given() -> None:
    inner = read_section(Inner, {"name": "x"})
    assert given_names(inner) == {"name"}
    assert inner == Inner(time=1.0, name="x")
    changed = replace(inner, time=2.0)
    assert (changed.time, changed.name, given_names(changed)) == (2.0, "x", {"name", "time"})
    assert inner.time == 1.0


def test_settings_need_no_validation_library() -> None:
    loaded = modules_after("discovery.process.command", "proxy.command", "rondpoint.middleware.option_schema")
    assert "rondpoint.settings.tree.section" in loaded
    assert "pydantic" not in loaded
