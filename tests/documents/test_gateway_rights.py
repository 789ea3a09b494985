"""docs/gateway-api.md grants the rights that the provider of the Gateway API uses."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from discovery.kubernetes.resources import REFERENCE_GRANTS, Resource
from discovery.providers.kubernetes.selections import backend_selections
from discovery.providers.kubernetes_gateway.provider import selections
from rondpoint.settings import KubernetesGatewayOptions

PAGE = Path(__file__).parents[2] / "docs/gateway-api.md"
WITHOUT_STATUS = {"referencegrants", "backendtlspolicies"}
GROUP = REFERENCE_GRANTS.group


def written_rules() -> list[dict[str, Any]]:
    """Return the rules of the page; each has `experimental` if a comment says so."""
    (block,) = re.findall(r"```yaml\n(- apiGroups:.*?)```", PAGE.read_text(), re.DOTALL)
    rules = yaml.safe_load(block)
    for rule, text in zip(rules, block.split("- apiGroups:")[1:], strict=True):
        rule["experimental"] = "only with experimentalChannel" in text
    return list(rules)


def used(resources: Iterable[Resource]) -> set[tuple[str, str, str]]:
    found = {(each.group, each.plural, verb) for each in resources for verb in ("list", "watch")}
    statuses = {
        (each.group, f"{each.plural}/status", "update")
        for each in resources
        if each.group == GROUP and each.plural not in WITHOUT_STATUS
    }
    return found | statuses


@pytest.mark.parametrize("experimental", [False, True])
def test_the_page_grants_exactly_the_rights_that_are_used(experimental: bool) -> None:
    granted = {
        (group, resource, verb)
        for rule in written_rules()
        if experimental or not rule["experimental"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    options = KubernetesGatewayOptions(experimental_channel=experimental)
    of_ingresses = {each.resource for each in backend_selections("")}
    assert granted == used({each.resource for each in selections(options)} - of_ingresses)
