"""The base class of all sections of the settings tree."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

from rondpoint.settings.declaration import DESCRIPTION, EXCLUDE, REQUIRED, Field, Parse

_IRREGULAR = {
    "access_key_id": "accessKeyID",
    "allow_acme_by_pass": "allowACMEByPass",
    "client_ca": "clientCA",
    "client_ca_files": "clientCAFiles",
    "disable_ans_checks": "disableANSChecks",
    "kubernetes_crd": "kubernetesCRD",
    "native_lb_by_default": "nativeLBByDefault",
    "marathon_lb_compatibility": "marathonLBCompatibility",
    "require_all_rns": "requireAllRNS",
    "root_cas": "rootCAs",
    "trusted_ips": "trustedIPs",
    "use_bind_port_ip": "useBindPortIP",
}

_Parser = Callable[[Any], Any]


def setting_key(attribute: str) -> str:
    """Return the key of an attribute as the documentation spells it: `graceTimeOut` for `grace_time_out`."""
    if attribute in _IRREGULAR:
        return _IRREGULAR[attribute]
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value is invalid; `path` leads to it from the section that was to be made."""

    path: tuple[str, ...]
    reason: str


class SectionError(ValueError):
    """Values of a section are invalid."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{'.'.join(each.path)}: {each.reason}" for each in faults))
        self.faults = faults


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
class Section:
    """A group of settings: immutable, made from its values by attribute name, as written or as they are.

    No unknown key of a user reaches a section: `merge` has already reported it with its location.
    """

    _given: frozenset[str] = frozenset()

    def __init_subclass__(cls) -> None:
        attrs.define(
            cls,
            slots=False,
            frozen=True,
            kw_only=True,
            # Methods of its own for each section would take 0.6 MB in every process.
            eq=False,
            repr=False,
            field_transformer=_add_converters,
        )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(_values(self))

    def __repr__(self) -> str:
        pairs = zip(fields_of(type(self)), _values(self), strict=True)
        return f"{type(self).__qualname__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"


_S = TypeVar("_S", bound=Section)


def read_section(section: type[_S], values: Mapping[str, Any]) -> _S:
    """Make a section of values as written, by attribute name or key; sections may be mappings.

    Raises SectionError with every invalid value, TypeError for an unknown name.
    """
    attributes = {setting_key(name): name for name in fields_of(section)}
    values = {attributes.get(name, name): value for name, value in values.items()}
    if unknown := values.keys() - fields_of(section).keys():
        raise TypeError(f"{section.__name__} has no {', '.join(sorted(unknown))}")
    try:
        made = section(**values)
    except (TypeError, ValueError):
        # attrs stops at the first fault.
        if faults := tuple(_faults(section, values)):
            raise SectionError(faults) from None
        raise
    return _with_given(made, frozenset(values))


def fields_of(section: type[Section]) -> Mapping[str, attrs.Attribute[Any]]:
    """Return the fields of a section by attribute; those of a base class come first, unless declared anew.

    The type of a field is its whole annotation.
    """
    return attrs.fields_dict(section)  # type: ignore[arg-type]  # attrs' stubs do not see `__init_subclass__`


def _values(section: Section) -> tuple[Any, ...]:
    """Return the values of a section in the order of its fields."""
    return tuple(getattr(section, name) for name in fields_of(type(section)))


def as_dict(section: Section) -> dict[str, Any]:
    """Return the values of a section by attribute, with dictionaries instead of sections within."""
    return {name: _plain(getattr(section, name)) for name in fields_of(type(section))}


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return as_dict(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value


def given_names(section: Section) -> frozenset[str]:
    """Return the attributes whose values were read, and are not the defaults of their fields."""
    return section._given


def replace(section: _S, **changes: Any) -> _S:
    """Return a copy of a section with other values."""
    changed: _S = attrs.evolve(section, **changes)  # type: ignore[misc]  # as above
    return _with_given(changed, section._given | changes.keys())


def description_of(field: attrs.Attribute[Any]) -> str:
    """Return what the documentation says about a field."""
    text: str = field.metadata.get(DESCRIPTION, "")
    return text


def is_excluded(field: attrs.Attribute[Any]) -> bool:
    """Return whether a field is computed from other settings."""
    return bool(field.metadata.get(EXCLUDE))


def split_annotation(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the type of an annotation and its marks: parsers and `ItemKeys`."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0], annotation.__metadata__
    return annotation, ()


def section_of(annotation: object) -> tuple[type[Section] | None, bool, bool]:
    """Return the section type of an annotation, whether it is optional, and whether users name its items.

    Without a section type, user-chosen names are the keys of a table of values.
    """
    annotation, _ = split_annotation(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False, False
    arguments = get_args(annotation)
    if get_origin(annotation) in (Union, UnionType) and type(None) in arguments:
        inner, _, named_by_user = section_of(next(item for item in arguments if item is not type(None)))
        return inner, True, named_by_user
    if get_origin(annotation) is Mapping and len(arguments) == 2:
        return section_of(arguments[1])[0], False, True
    return None, False, False


def _with_given(section: _S, names: frozenset[str]) -> _S:
    # An attribute beside the values: sections are equal whether a default was given or not.
    object.__setattr__(section, "_given", names)
    return section


def _faults(section: type[Section], values: Mapping[str, Any]) -> Iterator[Fault]:
    for name, field in fields_of(section).items():
        if name not in values:
            if field.default is REQUIRED:
                yield Fault((name,), "required")
            continue
        try:
            field.converter(values[name])  # type: ignore[misc, operator]  # each field has a function
        except SectionError as error:
            yield from (Fault((name, *each.path), each.reason) for each in error.faults)
        except ValueError as error:
            yield Fault((name,), str(error))


def _add_converters(section: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Give each field the parser that its annotation names."""
    hints, own = get_type_hints(section, include_extras=True), inspect.get_annotations(section)
    return [
        field.evolve(type=hints[field.name], converter=_parser(hints[field.name], field))
        if field.name in own
        else field
        for field in fields
    ]


def _parser(hint: Any, field: attrs.Attribute[Any]) -> _Parser:
    others = [item for item in get_args(hint) if item is not type(None)]
    if get_origin(hint) in (Union, UnionType) and get_origin(others[0]) is Annotated:
        return _or_none(_parser(others[0], field))
    annotation, marks = split_annotation(hint)
    parsers = [mark.parser for mark in marks if isinstance(mark, Parse)]
    if get_origin(annotation) is Literal:
        parsers.insert(0, _choice_parser(get_args(annotation)))
    if parsers:
        # The parsers nearest to the type come first; the outermost one gets the value as written.
        return _chain(parsers[::-1])
    inner, optional, named_by_user = section_of(annotation)
    if inner is not None:
        return _items_reader(inner) if named_by_user else _section_reader(inner, optional=optional)
    if is_excluded(field):
        return lambda value: value
    raise TypeError(f"{hint} is neither a section nor has a parser")


def _or_none(parse: _Parser) -> _Parser:
    return lambda value: None if value is None else parse(value)


def _choice_parser(choices: tuple[object, ...]) -> _Parser:
    def parse(value: object) -> object:
        if value not in choices:
            raise ValueError("expected one of " + ", ".join(map(str, choices)))
        return value

    return parse


def _chain(parsers: list[_Parser]) -> _Parser:
    if len(parsers) == 1:
        return parsers[0]

    def read(value: object) -> object:
        for parse in parsers:
            value = parse(value)
        return value

    return read


def _section_reader(section: type[Section], *, optional: bool) -> _Parser:
    def read(value: Any) -> Section | None:
        if isinstance(value, section) or (optional and value is None):
            return value
        if not isinstance(value, Mapping):
            raise ValueError("expected keys below it")  # noqa: TRY004 - a fault of the user
        return read_section(section, value)

    return read


def _items_reader(section: type[Section]) -> _Parser:
    read_item = _section_reader(section, optional=False)

    def read(value: Mapping[str, Any]) -> Mapping[str, Section | None]:
        items: dict[str, Section | None] = {}
        faults: list[Fault] = []
        for name, item in value.items():
            try:
                items[name] = read_item(item)
            except SectionError as error:
                faults += [Fault((name, *each.path), each.reason) for each in error.faults]
        if faults:
            raise SectionError(tuple(faults))
        return items

    return read
