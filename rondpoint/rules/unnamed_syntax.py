"""Reads a rule that does not say whether it is in the syntax of Traefik 3 or 2.

Files for Traefik 2 have no `ruleSyntax`, because Traefik 2 has one syntax only. A rule is read in that
syntax if it means nothing in Traefik 3: if a matcher is unknown there or has too many values, or if
`HostRegexp` has a template, which as a regular expression asks for braces in a host.
"""

from __future__ import annotations

from rondpoint.rules import v2, v3
from rondpoint.rules.errors import RuleError
from rondpoint.rules.expression import Rule
from rondpoint.rules.rule_warnings import RuleWarning, find_host_template

_CONFIRM = "set ruleSyntax=v2 to confirm it"


def parse(text: str) -> tuple[Rule, RuleWarning | None]:
    """Parse a rule, and say why it is read in the syntax of Traefik 2 if it is. Raises RuleError."""
    template = find_host_template(text)
    if template and (rule := _parse_v2(text)):
        return rule, (f"is read in the syntax of Traefik 2, because {template} is a template", _CONFIRM)
    try:
        return v3.parse(text), None
    except RuleError as error:
        rule = _parse_v2(text) if error.has_other_matchers else None
        if rule is None:
            raise
        reason = f"is read in the syntax of Traefik 2, because in that of Traefik 3 {error.message}"
        return rule, (reason, f"{_CONFIRM}, or {error.hint}")


def _parse_v2(text: str) -> Rule | None:
    try:
        return v2.parse(text)
    except RuleError:
        return None
