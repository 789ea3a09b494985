"""Divides the labels of a service into those of its frontends, as Traefik 1 does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from discovery.decoding.report import Report
from discovery.labels.known_labels import LabelKind, label_kind
from discovery.providers.tagged_services import rules
from discovery.providers.tagged_services.options import TagOptions
from discovery.providers.tagged_services.tags import Attributes, Labels, labels_from_tags
from discovery.templates.template import TemplateError

_FRONTENDS = re.compile(r"traefik\.frontends\.([^.]+)\.(.+)\Z", re.IGNORECASE)
_FRONTEND = "traefik.frontend."
_RULE = "traefik.frontend.rule"


def has_named_frontends(labels: Iterable[str]) -> bool:
    """Return whether a label is one of `frontends.NAME`."""
    return any(map(_FRONTENDS.match, labels))


def frontend_labels(
    service: str, shared: Labels, tags: Sequence[str], options: TagOptions, report: Report
) -> list[Labels]:
    """Return Traefik 1's labels of each frontend: the service's main one and those of `frontends.NAME`."""
    common: Labels = {"traefik.backend": service.lower()}
    named: dict[str, Labels] = {"": {}}
    for name, value in shared.items():
        if found := _FRONTENDS.match(name):
            named.setdefault(found[1], {})[_FRONTEND + found[2]] = value
        elif name.lower().startswith(_FRONTEND):
            named[""][name] = value
        else:
            common = {key: known for key, known in common.items() if key.lower() != name.lower()} | {
                name: value
            }
    attributes = Attributes(tags, options.prefix)
    made: list[Labels] = []
    for name, given in named.items():
        written = next((key for key in given if key.lower() == _RULE), None)
        template = given.pop(written) if written else options.front_end_rule or rules.DEFAULT
        title = f"{service}-{name}" if name else service
        try:
            given[_RULE] = rules.render_rule(template, title, options.domain, attributes)
        except TemplateError as error:
            label = f"traefik.frontends.{name}.rule" if name else _RULE
            key = label if written else f"{options.section}.frontEndRule"
            report.error(f"{report.at(key, template)}: {error}")
            continue
        made.append({**common, **given})
    # A tag that a template reads is not an unknown label, even if nothing else knows it.
    template_only = labels_from_tags(attributes.names_read, options.prefix).keys()
    return [
        {name: each[name] for name in each if not _is_for_templates(name, template_only)} for each in made
    ]


def _is_for_templates(name: str, template_only: Collection[str]) -> bool:
    return name.lower() in template_only and label_kind(name) is LabelKind.UNKNOWN
