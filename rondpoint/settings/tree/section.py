"""The base class of all sections of the settings tree."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from rondpoint.settings.declaration import REQUIRED, Field, FieldOptions, Parse

_IRREGULAR = {
    "allow_acme_by_pass": "allowACMEByPass",
    "client_ca": "clientCA",
    "client_ca_files": "clientCAFiles",
    "disable_ans_checks": "disableANSChecks",
    "kubernetes_crd": "kubernetesCRD",
    "native_lb_by_default": "nativeLBByDefault",
    "require_all_rns": "requireAllRNS",
    "root_cas": "rootCAs",
    "trusted_ips": "trustedIPs",
    "use_bind_port_ip": "useBindPortIP",
}


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


@dataclass(frozen=True, slots=True)
class SectionField:
    """A value of a section: its type, the marks of the type, its options, and the function that reads it."""

    annotation: Any
    marks: tuple[Any, ...]
    options: FieldOptions
    read: Callable[[Any], Any]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
class Section:
    """A group of settings: immutable, made from its values by attribute name or key.

    Values may be as written (`"10s"`), and sections may be mappings. No unknown key of a user reaches a
    section: `merge` has already reported it with its location.
    """

    _fields: ClassVar[Mapping[str, SectionField]] = {}
    _attributes: ClassVar[Mapping[str, str]] = {}
    _given: frozenset[str]

    def __init_subclass__(cls) -> None:
        fields = dict(cls._fields)
        # The types of a base class are those of its fields.
        own = inspect.get_annotations(cls)
        hints = get_type_hints(cls, include_extras=True)
        for name in own:
            declared = cls.__dict__.get(name, REQUIRED)
            options = declared if isinstance(declared, FieldOptions) else FieldOptions(declared)
            fields[name] = _make_field(hints[name], options)
            if name in cls.__dict__:
                delattr(cls, name)
        cls._fields = fields
        cls._attributes = {setting_key(name): name for name in fields}

    def __init__(self, **given: Any) -> None:
        """Raises SectionError with every invalid value, TypeError for an unknown name."""
        values = {self._attributes.get(name, name): value for name, value in given.items()}
        if unknown := values.keys() - self._fields.keys():
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        state, faults = self.__dict__, list[Fault]()
        for name, field in self._fields.items():
            try:
                state[name] = field.read(values[name]) if name in values else _default(field)
            except SectionError as error:
                faults += [Fault((name, *each.path), each.reason) for each in error.faults]
            except ValueError as error:
                faults.append(Fault((name,), str(error)))
        if faults:
            raise SectionError(tuple(faults))
        state["_given"] = frozenset(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        return _values(self) == _values(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(_values(self).values()))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in _values(self).items())
        return f"{type(self).__name__}({values})"


_S = TypeVar("_S", bound=Section)


def fields_of(section: type[Section]) -> Mapping[str, SectionField]:
    """Return the fields of a section by attribute, those of a base class first."""
    return section._fields


def as_dict(section: Section) -> dict[str, Any]:
    """Return the values of a section by attribute, with dictionaries instead of sections within."""
    return {name: _plain(value) for name, value in _values(section).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return as_dict(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _values(section: Any) -> dict[str, Any]:
    return {name: section.__dict__[name] for name in section._fields}


def given_names(section: Section) -> frozenset[str]:
    """Return the attributes whose values were given, and are not the defaults of their fields."""
    return section._given


def replace(section: _S, **changes: Any) -> _S:
    """Return a copy of a section with other values, which are not read: they have the fields' types."""
    copy = object.__new__(type(section))
    copy.__dict__.update(section.__dict__ | changes | {"_given": section._given | changes.keys()})
    return copy


def section_of(annotation: object) -> tuple[type[Section] | None, bool, bool]:
    """Return the section type of an annotation, whether it is optional, and whether users name its items.

    Without a section type, user-chosen names are the keys of a table of values.
    """
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False, False
    arguments = get_args(annotation)
    if get_origin(annotation) in (Union, UnionType) and type(None) in arguments:
        inner, _, named_by_user = section_of(next(item for item in arguments if item is not type(None)))
        return inner, True, named_by_user
    if get_origin(annotation) is Mapping and len(arguments) == 2:
        return section_of(arguments[1])[0], False, True
    return None, False, False


def _make_field(hint: Any, options: FieldOptions) -> SectionField:
    others = [item for item in get_args(hint) if item is not type(None)]
    if get_origin(hint) in (Union, UnionType) and get_origin(others[0]) is Annotated:
        field = _make_field(others[0], options)
        return SectionField(hint, field.marks, options, _or_none(field.read))
    annotated = get_origin(hint) is Annotated
    annotation = get_args(hint)[0] if annotated else hint
    marks = hint.__metadata__ if annotated else ()
    parsers = [mark.parser for mark in marks if isinstance(mark, Parse)]
    inner, optional, named_by_user = section_of(annotation)
    if get_origin(annotation) is Literal:
        parsers.insert(0, _choice_parser(get_args(annotation)))
    if parsers:
        # The parsers nearest to the type come first here; the outermost one gets the value as written.
        return SectionField(annotation, marks, options, _chain(parsers[::-1]))
    if inner is None:
        if not options.exclude:
            raise TypeError(f"{hint} is neither a section nor has a parser")
        return SectionField(annotation, marks, options, lambda value: value)
    read = _items_reader(inner) if named_by_user else _section_reader(inner, optional=optional)
    return SectionField(annotation, marks, options, read)


def _default(field: SectionField) -> Any:
    value = field.options.make_default()
    if value is REQUIRED:
        raise ValueError("required")
    return value


def _choice_parser(choices: tuple[object, ...]) -> Callable[[object], object]:
    def parse(value: object) -> object:
        if value not in choices:
            raise ValueError("expected one of " + ", ".join(map(str, choices)))
        return value

    return parse


def _chain(parsers: list[Callable[[object], object]]) -> Callable[[object], object]:
    if len(parsers) == 1:
        return parsers[0]

    def read(value: object) -> object:
        for parse in parsers:
            value = parse(value)
        return value

    return read


def _or_none(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else parse(value)


def _section_reader(section: type[Section], *, optional: bool) -> Callable[[Any], Section | None]:
    def read(value: Any) -> Section | None:
        if isinstance(value, section) or (optional and value is None):
            return value
        if not isinstance(value, Mapping):
            raise ValueError("expected keys below it")  # noqa: TRY004 - a fault of the user
        return section(**value)

    return read


def _items_reader(section: type[Section]) -> Callable[[Any], Mapping[str, Section | None]]:
    read_item = _section_reader(section, optional=False)

    def read(value: Any) -> Mapping[str, Section | None]:
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
