"""Renders Traefik 1's rule templates of services."""

from __future__ import annotations

from discovery.providers.tagged_services.tags import Attributes
from discovery.templates.template import Function, TemplateError, Value, render

DEFAULT = "Host:{{.ServiceName}}.{{.Domain}}"


def render_rule(template: str, name: str, domain: str, attributes: Attributes) -> str:
    """Render a rule template for a service. Raises TemplateError.

    The template may use `.ServiceName`, `.Domain` and `.Attributes`, and the functions `getTag NAME
    .Attributes DEFAULT`, `hasTag NAME .Attributes` and `getAttribute`; the last is getTag with the prefix
    before the name.
    """
    fields: dict[str, Value] = {
        "ServiceName": name,
        "Domain": domain.strip("."),
        "Attributes": attributes,
    }
    return render(template, fields, _FUNCTIONS).removesuffix(".")


def _get_tag(name: Value, tags: Value, default: Value) -> Value:
    attributes = _attributes(tags, "getTag")
    return attributes.get(_text(name), default)


def _get_attribute(name: Value, tags: Value, default: Value) -> Value:
    attributes = _attributes(tags, "getAttribute")
    tag_prefix = f"{attributes.prefix}." if attributes.prefix else ""
    return attributes.get(tag_prefix + _text(name), default)


def _has_tag(name: Value, tags: Value) -> Value:
    return _text(name) in _attributes(tags, "hasTag")


def _attributes(tags: Value, function: str) -> Attributes:
    if not isinstance(tags, Attributes):
        raise TemplateError(f"{function} needs .Attributes after the name")
    return tags


def _text(name: Value) -> str:
    if not isinstance(name, str):
        raise TemplateError("the name of a tag must be text")
    return name


_FUNCTIONS: dict[str, tuple[int | None, Function]] = {
    "getTag": (3, _get_tag),
    "getAttribute": (3, _get_attribute),
    "hasTag": (2, _has_tag),
}
