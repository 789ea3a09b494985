"""The API server and the account that settings, variables and files name."""

from pathlib import Path

import pytest

from discovery.kubernetes.cluster import find_cluster
from discovery.kubernetes.errors import KubernetesError

IN_CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
KUBECONFIG = """
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: lab}}]
clusters: [{name: lab, cluster: {server: "https://lab.test:6443", insecure-skip-tls-verify: true}}]
users: [{name: lab, user: {token: from-kubeconfig}}]
"""


@pytest.fixture
def service_account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("of-the-account")
    return tmp_path


def test_in_a_cluster_the_service_account_is_used(service_account: Path) -> None:
    found = find_cluster("", "", "", IN_CLUSTER, service_account)
    assert found.url == "https://10.0.0.1:443"
    assert found.config.user is not None
    assert found.config.user.token_file == str(service_account / "token")


def test_an_ipv6_address_of_the_api_is_put_in_brackets(service_account: Path) -> None:
    found = find_cluster("", "", "", {**IN_CLUSTER, "KUBERNETES_SERVICE_HOST": "fd00::1"}, service_account)
    assert found.url == "https://[fd00::1]:443"


def test_in_a_cluster_the_endpoint_replaces_only_the_address(service_account: Path) -> None:
    found = find_cluster("https://api.test", "ignored", "", IN_CLUSTER, service_account)
    assert found.url == "https://api.test"
    assert found.config.user is not None
    assert found.config.user.token_file == str(service_account / "token")


def test_in_a_cluster_without_a_service_account_the_message_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(KubernetesError, match="missing/token"):
        find_cluster("", "", "", IN_CLUSTER, tmp_path / "missing")


def test_outside_the_variable_names_a_kubeconfig(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(KUBECONFIG)
    found = find_cluster("http://ignored.test", "", "", {"KUBECONFIG": str(file)})
    assert found.url == "https://lab.test:6443"
    assert found.config.user is not None
    assert found.config.user.token == "from-kubeconfig"


@pytest.mark.parametrize(
    "text",
    ["", "{", "clusters: []", KUBECONFIG.replace("user: lab", "user: other"), "current-context: lab"],
    ids=["empty", "no YAML", "no contexts", "unknown user", "no clusters"],
)
def test_a_broken_kubeconfig_is_an_error_with_a_message(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(KubernetesError, match=r"cannot be read|no current context"):
        find_cluster("", "", "", {"KUBECONFIG": str(file)})


def test_outside_an_endpoint_is_needed() -> None:
    with pytest.raises(KubernetesError, match="no Kubernetes API to read") as raised:
        find_cluster("", "", "", {})
    assert "set endpoint" in raised.value.hint


def test_a_token_is_given_as_text_or_as_the_name_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret")
    for written, token, token_file in (("secret", "secret", None), (str(file), None, str(file))):
        found = find_cluster("http://api.test", written, "", {}).config.user
        assert found is not None
        assert (found.token, found.token_file) == (token, token_file)


def test_a_missing_authority_file_is_an_error_with_a_hint(tmp_path: Path) -> None:
    found = find_cluster("https://api.test", "", str(tmp_path / "ca.crt"), {})
    with pytest.raises(KubernetesError, match="cannot be read") as raised:
        found.tls()
    assert "certAuthFilePath" in raised.value.hint
