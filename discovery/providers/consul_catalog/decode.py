"""The instances of one service, to objects and diagnostics."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from discovery import labels
from discovery.constraints import Constraint, Tagged
from discovery.container import Container
from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report, shown_names
from discovery.labels.known_labels import Meaning, meaning
from discovery.providers.consul_catalog import rules
from discovery.providers.consul_catalog.instance import Instance
from discovery.providers.consul_catalog.tags import LEAD, Attributes, labels_of
from discovery.templates.template import TemplateError
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service
from rondpoint.settings import ConsulCatalogOptions, DockerOptions

PROVIDER = "consulcatalog"

LAST_PORT = 65_535

_OWN = frozenset({"traefik.weight", "traefik.protocol", "traefik.enable", "traefik.tags"})
"""Tags of one instance; Traefik 1 shares all others among the instances of a service."""

_FRONTENDS = re.compile(r"traefik\.frontends\.([^.]+)\.(.+)\Z", re.IGNORECASE)
_FRONTEND = "traefik.frontend."
_RULE = "traefik.frontend.rule"
_CONNECT = "traefik.consulcatalog."

_UDP = ":udp"
"""What ids of Registrator, and of ours, end in for such a port."""

Labels = dict[str, str]


class Member(Struct, frozen=True):
    """An instance, and its state of health in one word."""

    instance: Instance
    status: str


class _Seen(Struct, frozen=True):
    """A member that is to be routed; `kept` while it may take requests."""

    instance: Instance
    labels: Labels
    status: str
    kept: bool
    weight: int


def decode(
    service: str, members: Sequence[Member], options: ConsulCatalogOptions, constraint: Constraint
) -> tuple[Decoded, ...]:
    """What a service's instances define together.

    Instances whose health does not suffice finish what they have: they are draining servers of weight 0, and
    what the tags of the others say counts for them. Tags are read in Traefik 3's dialect where any has a
    `traefik.http.`, else in Traefik 1's where any is of that, or where the settings have a rule of it.
    """
    report = Report(PROVIDER, f"service {service}", "tag")
    if " " in service:
        report.note("not routed: its name has a space")
        return (Decoded(report.subject, diagnostics=report.diagnostics),)
    seen = _seen(members, options, constraint, report)
    kept = [each for each in seen if each.kept]
    shared = _shared(kept or seen, report)
    means = {meaning(name) for each in seen for name in each.labels} | set(map(meaning, shared))
    named = {name for name in shared if _FRONTENDS.match(name)}
    parts: list[Decoded] = []
    if Meaning.V3_HTTP not in means and (
        named or options.domain or options.front_end_rule or any(each.is_v1 for each in means)
    ):
        tags = [tag for each in kept or seen for tag in each.instance.tags]
        for own in _frontends(service, shared, tags, options, report):
            parts += [_part(each, {**own, **_own(each.labels)}, options) for each in seen]
    else:
        for each in seen:
            written = kept[0].labels if kept and not each.kept else each.labels
            parts.append(_part(each, written, options))
    if report.diagnostics:
        parts.insert(0, Decoded(report.subject, diagnostics=report.diagnostics))
    told = tuple(_told_once(parts, options.prefix))
    if seen and not kept:
        told += (Decoded(report.subject, diagnostics=_nobody_well(seen, parts)),)
    return told


def _seen(
    members: Sequence[Member], options: ConsulCatalogOptions, constraint: Constraint, report: Report
) -> list[_Seen]:
    found: list[_Seen] = []
    reasons: dict[str, None] = {}
    for member in members:
        instance = member.instance
        given = labels_of(instance.tags, options.prefix)
        kept = member.status in options.strict_checks
        weight = instance.warning_weight if member.status == "warning" else instance.weight
        reason = _left_alone(instance, given, options, constraint, report)
        if reason is None:
            bare = {name: value for name, value in given.items() if not name.lower().startswith(_CONNECT)}
            found.append(_Seen(instance, bare, member.status, kept, min(weight, values.MAX_WEIGHT)))
        else:
            reasons[reason] = None
    if not found:
        for reason in reasons:
            report.note(f"not routed: {reason}")
    return found


def _left_alone(
    instance: Instance,
    given: Mapping[str, str],
    options: ConsulCatalogOptions,
    constraint: Constraint,
    report: Report,
) -> str | None:
    """Why an instance does not count, if it does not."""
    lower = {name.lower(): value for name, value in given.items()}
    enabled, text = options.exposed_by_default, lower.get("traefik.enable")
    if text is not None:
        try:
            enabled = values.boolean(text)
        except ValueError as error:
            report.error(f"{report.at('traefik.enable', text)}: {error}")
    if instance.id.endswith(_UDP):
        return "it speaks UDP, as its id says"
    if not enabled:
        return (
            "tag traefik.enable says so"
            if text is not None
            else "services are not exposed by default, and tag traefik.enable=true is not given"
        )
    if lower.get(f"{_CONNECT}connect", "").lower() == "true":
        return "it is reached by Consul Connect alone, which is not served"
    wanted = values.texts(lower.get("traefik.tags", ""))
    if not constraint(Tagged(instance.tags, wanted)):
        return "its tags do not fulfil providers.consulCatalog.constraints"
    return None


def _shared(seen: Sequence[_Seen], report: Report) -> Labels:
    """The labels of all together; where they differ, the instance that was registered last counts."""
    found: dict[str, tuple[str, str, Instance]] = {}
    for each in sorted(seen, key=lambda one: (-one.instance.modified, one.instance.key)):
        for name, value in each.labels.items():
            if name.lower() in _OWN:
                continue
            _, known, other = found.setdefault(name.lower(), (name, value, each.instance))
            if known != value and meaning(name) is not Meaning.V3_HTTP:
                report.warning(
                    f"{report.at(name, value)} of {each.instance.name} is passed over: "
                    f"{other.name}, registered later, says {known!r}",
                    "give all instances of a service the same tags",
                )
    return {name: value for name, value, _ in found.values()}


def _own(given: Labels) -> Labels:
    return {name: value for name, value in given.items() if name.lower() in _OWN}


def _frontends(
    service: str, shared: Labels, tags: Sequence[str], options: ConsulCatalogOptions, report: Report
) -> list[Labels]:
    """Traefik 1's labels of each frontend: the service's own, and those of `frontends.NAME`."""
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
            given[_RULE] = rules.rule(template, title, options.domain, attributes)
        except TemplateError as error:
            place = f"traefik.frontends.{name}.rule" if name else _RULE
            key = place if written else "providers.consulCatalog.frontEndRule"
            report.error(f"{report.at(key, template)}: {error}")
            continue
        made.append({**common, **given})
    # What only a template looks for is known to it, if to nobody else.
    asked = labels_of(attributes.read, options.prefix).keys()
    return [{name: each[name] for name in each if not _for_templates(name, asked)} for each in made]


def _for_templates(name: str, asked: Collection[str]) -> bool:
    return name.lower() in asked and meaning(name) is Meaning.UNKNOWN


def _part(each: _Seen, given: Labels, options: ConsulCatalogOptions) -> Decoded:
    instance = each.instance
    container = Container(
        id=instance.name,
        name=instance.name,
        labels=given,
        networks={"consul": instance.address if _is_host(instance.address) else ""},
        # Consul takes any number for a port, as any text for an address.
        ports=(instance.port,) if 0 < instance.port <= LAST_PORT else (),
        draining=not each.kept,
        provider=PROVIDER,
        kind=f"service {instance.service}, instance",
        service=instance.service,
        weight=each.weight,
    )
    decoded = labels.decode(container, DockerOptions(default_rule=options.default_rule))
    # Who drains takes requests where there is no other; who is not well is not to.
    return decoded if each.kept else replace(decoded, services=tuple(map(_without_weight, decoded.services)))


def _without_weight(service: Service) -> Service:
    return replace(service, servers=tuple(replace(server, weight=0) for server in service.servers))


def _nobody_well(seen: Iterable[_Seen], parts: Iterable[Decoded]) -> tuple[Diagnostic, ...]:
    """Said of every service that the instances make together: where explanations look for it."""
    states = shown_names(f"{each.instance.name} ({each.status})" for each in seen)
    names = sorted({service.name for part in parts for service in part.services})
    return tuple(
        Diagnostic(
            Severity.WARNING,
            PROVIDER,
            f"service {name}",
            f"no instance takes requests: {states}",
            "they do once their checks pass; see strictChecks for which states of health suffice",
        )
        for name in names
    )


def _is_host(address: str) -> bool:
    try:
        values.host(address)
    except ValueError:
        return False
    return True


def _told_once(parts: Iterable[Decoded], prefix: str) -> Iterable[Decoded]:
    """What the instances of a service have in common is said of the first; tags are named as written."""
    told: set[str] = set()
    for part in parts:
        fresh: list[Diagnostic] = []
        for each in part.diagnostics:
            if each.message not in told:
                told.add(each.message)
                fresh.append(_as_written(each, prefix))
        yield replace(part, diagnostics=tuple(fresh))


def _as_written(diagnostic: Diagnostic, prefix: str) -> Diagnostic:
    lead = f"tag {prefix}." if prefix else "tag "
    return replace(
        diagnostic,
        message=diagnostic.message.replace(f"tag {LEAD}", lead),
        hint=diagnostic.hint.replace(f"label {LEAD}", lead).replace(f"tag {LEAD}", lead),
    )
