"""Finds the API server and the credentials for it: in the cluster, in a kubeconfig, or in the settings."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx2 as httpx
import yaml
from lightkube.config.client_adapter import user_auth, verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import Cluster as ClusterAddress
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError
from msgspec import MsgspecError, Struct
from msgspec.structs import replace

from discovery.kubernetes.errors import KubernetesError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet puts the token and the authority of a container's service account."""

_UNREADABLE = (
    *(ConfigError, MsgspecError, yaml.YAMLError, OSError),
    # lightkube looks into a file without checking its form.
    *(AttributeError, KeyError, TypeError, ValueError),
)

_ADDRESS = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")


class Cluster(Struct, frozen=True):
    """An API server, its authority, and an account.

    The client re-reads the token of a service account when the server refuses the last one, because the
    kubelet replaces it every hour.
    """

    config: SingleConfig

    @property
    def url(self) -> str:
        return str(self.config.cluster.server).rstrip("/")

    def tls(self) -> ssl.SSLContext:
        """Return the TLS options for connections. Raises KubernetesError if a file cannot be read."""
        try:
            return verify_cluster(
                self.config.cluster, self.config.user or User(), self.config.abs_file, trust_env=False
            )
        except (OSError, ValueError, ConfigError) as error:
            raise KubernetesError(
                f"the certificates for the Kubernetes API at {self.url} cannot be read: {error}",
                "check certAuthFilePath, or the files and data that the kubeconfig names",
            ) from error

    def authentication(self) -> httpx.Auth | None:
        """Return what adds the credentials to each request. Raises KubernetesError."""
        try:
            return user_auth(self.config.user)
        except ConfigError as error:
            raise KubernetesError(f"the credentials for the Kubernetes API: {error}") from error


def find_cluster(
    endpoint: str,
    token: str,
    authority_file: str,
    environment: Mapping[str, str],
    service_account: Path = SERVICE_ACCOUNT,
) -> Cluster:
    """Return the cluster, by the same rules as Traefik. Raises KubernetesError.

    In a container of the cluster its service account is used; `endpoint` may name another address. Outside,
    the variable KUBECONFIG names a file; without it `endpoint` is needed. `token` is a token or the name of a
    file.
    """
    try:
        if all(environment.get(name) for name in _ADDRESS):
            return _inside(endpoint, environment, service_account)
        if environment.get("KUBECONFIG"):
            config = KubeConfig.from_file(environment["KUBECONFIG"]).get()
            if config is None:
                raise KubernetesError(f"{environment['KUBECONFIG']} names no current context")
            return Cluster(config)
    except _UNREADABLE as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise KubernetesError(
            f"the configuration of the Kubernetes client cannot be read: {reason}"
        ) from error
    if not endpoint:
        raise KubernetesError(
            "there is no Kubernetes API to read",
            "run the agent in the cluster, set the variable KUBECONFIG, or set endpoint",
        )
    address = ClusterAddress(server=endpoint, certificate_auth=authority_file or None)
    return Cluster(_named(address, _account(token)))


def _inside(endpoint: str, environment: Mapping[str, str], service_account: Path) -> Cluster:
    host, port = (environment[name] for name in _ADDRESS)
    server = endpoint or f"https://{f'[{host}]' if ':' in host else host}:{port}"
    authority = service_account / "ca.crt"
    token = service_account / "token"
    token.read_text(encoding="utf-8")
    address = ClusterAddress(server=server, certificate_auth=str(authority) if authority.exists() else None)
    return Cluster(_named(address, User(token_file=str(token))))


def _account(token: str) -> User:
    if token and len(token) < 4096 and Path(token).is_file():
        return User(token_file=token)
    return User(token=token or None)


def _named(address: ClusterAddress, account: User) -> SingleConfig:
    config = KubeConfig.from_one(cluster=replace(address), user=account).get()
    assert config is not None  # noqa: S101 - it was made with a context
    return config
