"""The settings of the provider for Kubernetes' Gateway API."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.kubernetes import KubernetesCluster
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Switch, Text, Texts


class KubernetesServiceReference(Section):
    """A service of the cluster."""

    name: Text = Field(default="", description="The name of a service whose addresses to write.")
    namespace: Text = Field(default="", description="The namespace of this service.")


class KubernetesStatusAddress(Section):
    """The address to write into the status of each Gateway."""

    ip: Text = Field(default="", description="An IP address to write.")
    hostname: Text = Field(default="", description="A host name to write, if there is no `ip`.")
    service: KubernetesServiceReference = Field(default_factory=KubernetesServiceReference)


class KubernetesGatewayOptions(KubernetesCluster):
    """Route by the Gateways of a Kubernetes cluster, and the routes that are attached to them."""

    experimental_channel: Switch = Field(
        default=False,
        description="Serve TCPRoutes and UDPRoutes.",
    )
    label_selector: Text = Field(
        default="", description="Serve only GatewayClasses with these labels: `app=shop,stage!=test`."
    )
    cross_provider_namespaces: Texts | None = Field(
        default=None,
        description="Allow only routes in these namespaces to refer to services of other providers. "
        "Default: all.",
    )
    native_lb_by_default: Switch = Field(
        default=False,
        description="Send requests to the address of the service instead of its pods, unless the service "
        "says otherwise.",
    )
    status_address: KubernetesStatusAddress | None = None
