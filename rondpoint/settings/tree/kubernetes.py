"""The settings of the providers for Kubernetes."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Switch, Text, Texts


class KubernetesCluster(Section):
    """What all providers for Kubernetes have: the API server, and the namespaces to read."""

    endpoint: Text = Field(
        default="",
        description="The API server, for an agent outside the cluster; inside, it replaces the address. "
        "Outside, the variable `KUBECONFIG` takes precedence.",
    )
    token: Text = Field(
        default="",
        description="The bearer token, or a file with it; for an agent outside the cluster.",
    )
    cert_auth_file_path: Text = Field(
        default="",
        description="The file with the CA certificate of the API server; for an agent outside the cluster.",
    )
    namespaces: Texts = Field(
        default=(), description="Read only these namespaces. Without any, all are read."
    )


class KubernetesOptions(KubernetesCluster):
    """What the providers for Ingresses and custom resources have: the objects to read, and their services."""

    label_selector: Text = Field(
        default="", description="Read only objects with these labels: `app=shop,stage!=test`."
    )
    ingress_class: Text = Field(
        default="", description="Route only objects of this class, which also have to name it."
    )
    allow_empty_services: Switch = Field(
        default=False,
        description="Keep routes without ready endpoints: clients get a 503 instead of a 404.",
    )
    allow_external_name_services: Switch = Field(
        default=False,
        description="Route to services of type `ExternalName`: any namespace may then name any host.",
    )
    cross_provider_namespaces: Texts | None = Field(
        default=None,
        description="Allow only these namespaces to refer to objects of other providers, such as "
        "middlewares in files. Default: all.",
    )
    disable_cluster_scope_resources: Switch = Field(
        default=False,
        description="Read no nodes and no `IngressClass`, for an account with rights in namespaces only.",
    )
    native_lb_by_default: Switch = Field(
        default=False,
        description="Send requests to the address of the service instead of its pods, unless the object "
        "says otherwise.",
    )


class KubernetesIngressEndpoint(Section):
    """The address to write into the status of each Ingress."""

    ip: Text = Field(default="", description="An IP address to write.")
    hostname: Text = Field(default="", description="A host name to write.")
    published_service: Text = Field(
        default="",
        description="The service whose addresses to write, as `NAMESPACE/NAME`; `ip` and `hostname` do not "
        "count then.",
    )


class KubernetesIngressOptions(KubernetesOptions):
    """Route the Ingresses of a Kubernetes cluster."""

    ingress_endpoint: KubernetesIngressEndpoint | None = None
    disable_ingress_class_lookup: Switch = Field(
        default=False,
        description="Read no `IngressClass`; an Ingress with `ingressClassName` is then never routed.",
    )
    strict_prefix_matching: Switch = Field(
        default=False,
        description="Let the prefix `/a` match `/a` and `/a/b` but not `/ab`, as Kubernetes specifies it.",
    )
    disable_pass_host_headers: Switch = Field(
        default=False,
        description="Traefik 1: send servers their own address as Host, unless an annotation says otherwise.",
    )
