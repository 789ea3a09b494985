"""Decodes the instances of one service into routers, services and diagnostics."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from discovery import labels
from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report, format_names
from discovery.labels.constraints import Constraint, ConstraintSubject
from discovery.labels.container import Container
from discovery.labels.known_labels import LabelKind, label_kind
from discovery.labels.options import LabelOptions
from discovery.providers.tagged_services import rules
from discovery.providers.tagged_services.canaries import canary_name
from discovery.providers.tagged_services.instance import Instance
from discovery.providers.tagged_services.options import TagOptions
from discovery.providers.tagged_services.tags import LABEL_PREFIX, Attributes, labels_from_tags
from discovery.templates.template import TemplateError
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service

MAX_PORT = 65_535

_INSTANCE_LABELS = frozenset({"traefik.weight", "traefik.protocol", "traefik.enable", "traefik.tags"})
"""Labels that apply to one instance alone; Traefik 1 shares all others among the instances of a service."""

_FRONTENDS = re.compile(r"traefik\.frontends\.([^.]+)\.(.+)\Z", re.IGNORECASE)
_FRONTEND = "traefik.frontend."
_RULE = "traefik.frontend.rule"

_UDP = ":udp"
"""The end of the service id that Registrator and our registrar give to a UDP port."""

Labels = dict[str, str]


class Member(Struct, frozen=True):
    """An instance of a service with its health status."""

    instance: Instance
    status: str


class _RoutedInstance(Struct, frozen=True):
    """A member that is to be routed; `healthy` says whether its status allows it new requests."""

    instance: Instance
    labels: Labels
    status: str
    healthy: bool
    weight: int
    is_canary: bool


def decode(
    service: str, members: Sequence[Member], options: TagOptions, constraint: Constraint
) -> tuple[Decoded, ...]:
    """Return what the instances of a service define together.

    An unhealthy instance becomes a draining server of weight 0, so that it finishes its requests; the tags of
    the healthy instances count for it. Tags are read in Traefik 3's dialect if any begins with
    `traefik.http.`; else in Traefik 1's if any tag is of that dialect, or if the settings have `domain` or
    `frontEndRule`.
    """
    report = Report(options.provider, f"service {service}", "tag")
    if " " in service:
        report.note("not routed: its name has a space")
        return (Decoded(report.subject, diagnostics=report.diagnostics),)
    routed = _routed_instances(members, options, constraint, report)
    healthy = [each for each in routed if each.healthy]
    shared = _shared_labels(healthy or routed, report)
    kinds = {label_kind(name) for each in routed for name in each.labels} | set(map(label_kind, shared))
    named = {name for name in shared if _FRONTENDS.match(name)}
    parts: list[Decoded] = []
    if LabelKind.V3_HTTP not in kinds and (
        named or options.domain or options.front_end_rule or any(each.is_v1 for each in kinds)
    ):
        tags = [tag for each in healthy or routed for tag in each.instance.tags]
        for own in _frontend_labels(service, shared, tags, options, report):
            parts += [
                _decode_instance(each, {**own, **_instance_labels(each.labels)}, options) for each in routed
            ]
    else:
        for each in routed:
            written = healthy[0].labels if healthy and not each.healthy else each.labels
            parts.append(_decode_instance(each, written, options))
    if report.diagnostics:
        parts.insert(0, Decoded(report.subject, diagnostics=report.diagnostics))
    decoded = tuple(_without_repeats(parts, options.prefix))
    if routed and not healthy:
        decoded += (
            Decoded(report.subject, diagnostics=_no_healthy_instance(options.provider, routed, parts)),
        )
    return decoded


def _routed_instances(
    members: Sequence[Member], options: TagOptions, constraint: Constraint, report: Report
) -> list[_RoutedInstance]:
    found: list[_RoutedInstance] = []
    reasons: dict[str, None] = {}
    for member in members:
        instance = member.instance
        given = labels_from_tags(instance.tags, options.prefix)
        healthy = member.status in options.healthy_statuses
        weight = instance.warning_weight if member.status == "warning" else instance.weight
        reason = _exclusion_reason(instance, given, options, constraint, report)
        if reason is None:
            own = {name.lower(): value for name, value in given.items() if _is_own(name, options)}
            bare = {name: value for name, value in given.items() if not _is_own(name, options)}
            canary = own.get(f"{options.own_labels}canary", "").lower() == "true"
            weight = min(weight, values.MAX_WEIGHT)
            found.append(_RoutedInstance(instance, bare, member.status, healthy, weight, canary))
        else:
            reasons[reason] = None
    if not found:
        for reason in reasons:
            report.note(f"not routed: {reason}")
    return found


def _is_own(label: str, options: TagOptions) -> bool:
    return label.lower().startswith(options.own_labels)


def _exclusion_reason(
    instance: Instance,
    given: Mapping[str, str],
    options: TagOptions,
    constraint: Constraint,
    report: Report,
) -> str | None:
    """Return why an instance is not routed; None if it is."""
    lower = {name.lower(): value for name, value in given.items()}
    enabled, text = options.exposed_by_default, lower.get("traefik.enable")
    if text is not None:
        try:
            enabled = values.boolean(text)
        except ValueError as error:
            report.error(f"{report.at('traefik.enable', text)}: {error}")
    if instance.id.endswith(_UDP):
        return "its id says that it speaks UDP"
    if not enabled:
        return (
            "tag traefik.enable says so"
            if text is not None
            else "services are not exposed by default, and tag traefik.enable=true is not given"
        )
    if lower.get(f"{options.own_labels}connect", "").lower() == "true":
        return "it is reachable through Consul Connect only, which is not supported"
    wanted = values.texts(lower.get("traefik.tags", ""))
    if not constraint(ConstraintSubject(instance.tags, wanted)):
        return f"its tags do not fulfil {options.section}.constraints"
    return None


def _shared_labels(routed: Sequence[_RoutedInstance], report: Report) -> Labels:
    """Return the labels of all instances together; if they differ, the last registered instance wins."""
    found: dict[str, tuple[str, str, Instance]] = {}
    for each in sorted(routed, key=lambda one: (-one.instance.modified, one.instance.key)):
        for name, value in each.labels.items():
            if name.lower() in _INSTANCE_LABELS:
                continue
            _, known, other = found.setdefault(name.lower(), (name, value, each.instance))
            if known != value and label_kind(name) is not LabelKind.V3_HTTP:
                report.warning(
                    f"{report.at(name, value)} of {each.instance.name} is ignored: "
                    f"{other.name}, registered later, has {known!r}",
                    "give all instances of a service the same tags",
                )
    return {name: value for name, value, _ in found.values()}


def _instance_labels(given: Labels) -> Labels:
    return {name: value for name, value in given.items() if name.lower() in _INSTANCE_LABELS}


def _frontend_labels(
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


def _decode_instance(each: _RoutedInstance, given: Labels, options: TagOptions) -> Decoded:
    instance = each.instance
    container = Container(
        id=instance.name,
        name=instance.name,
        labels=given,
        networks={"source": instance.address if _is_host(instance.address) else ""},
        # Consul accepts any number as a port, and any text as an address.
        ports=(instance.port,) if 0 < instance.port <= MAX_PORT else (),
        health="empty" if instance.empty else "",
        draining=not each.healthy and not instance.empty,
        provider=options.provider,
        kind=f"service {instance.service}, instance",
        service=canary_name(instance.service, instance.tags) if each.is_canary else instance.service,
        rule_name=instance.service,
        weight=each.weight,
    )
    label_options = LabelOptions(options.default_rule, allow_empty_services=instance.empty)
    decoded = labels.decode(container, label_options)
    # A draining server takes requests if there is no other. An unhealthy one must not, hence weight 0.
    return (
        decoded if each.healthy else replace(decoded, services=tuple(map(_without_weight, decoded.services)))
    )


def _without_weight(service: Service) -> Service:
    return replace(service, servers=tuple(replace(server, weight=0) for server in service.servers))


def _no_healthy_instance(
    provider: str, routed: Sequence[_RoutedInstance], parts: Iterable[Decoded]
) -> tuple[Diagnostic, ...]:
    """Return one diagnostic for each service of the instances, where `rondpoint explain` looks for it."""
    states = format_names(
        f"{each.instance.id} is scaled to 0"
        if each.instance.empty
        else f"{each.instance.name} ({each.status})"
        for each in routed
    )
    hint = "they do once their checks pass; see strictChecks for which states of health suffice"
    if all(each.instance.empty for each in routed):
        hint = "it has one as soon as it is scaled up"
    names = sorted({service.name for part in parts for service in part.services})
    return tuple(
        Diagnostic(
            Severity.WARNING,
            provider,
            f"service {name}",
            f"no instance takes requests: {states}",
            hint,
        )
        for name in names
    )


def _is_host(address: str) -> bool:
    try:
        values.host(address)
    except ValueError:
        return False
    return True


def _without_repeats(parts: Iterable[Decoded], prefix: str) -> Iterable[Decoded]:
    """Keep only the first of equal diagnostics of several instances, and name tags with the user's prefix."""
    seen: set[str] = set()
    for part in parts:
        kept: list[Diagnostic] = []
        for each in part.diagnostics:
            if each.message not in seen:
                seen.add(each.message)
                kept.append(_with_tag_prefix(each, prefix))
        yield replace(part, diagnostics=tuple(kept))


def _with_tag_prefix(diagnostic: Diagnostic, prefix: str) -> Diagnostic:
    tag_prefix = f"tag {prefix}." if prefix else "tag "
    return replace(
        diagnostic,
        message=diagnostic.message.replace(f"tag {LABEL_PREFIX}", tag_prefix),
        hint=diagnostic.hint.replace(f"label {LABEL_PREFIX}", tag_prefix).replace(
            f"tag {LABEL_PREFIX}", tag_prefix
        ),
    )
