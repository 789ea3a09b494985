"""Makes Traefik's custom resources known to an imitation of the Kubernetes API."""

from discovery.providers.kubernetes_crd.custom_resources import GROUPS, HTTP_KINDS, LAYER4_KINDS
from tests.lab.kubernetes.api_server import ApiServer

GROUP, OLDER_GROUP = (f"{group}/v1alpha1" for group in GROUPS)


def install(server: ApiServer, *groups: str) -> None:
    """Install the definitions of these groups, by default of Traefik 3's."""
    for group in groups or (GROUP,):
        for kind, plural in {**HTTP_KINDS, **LAYER4_KINDS}.items():
            server.install(group, kind, plural)
