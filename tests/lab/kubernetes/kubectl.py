"""A stand-in for kubectl: `apply -f`, `delete -f` and `delete KIND NAME`, for tests of documents.

It reads the API server's address from the file that KUBECONFIG names, and prints what kubectl prints.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.lab.kubernetes.api_server import RESOURCES


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser("kubectl")
    parser.add_argument("verb", choices=("apply", "delete"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("-f", dest="files", action="append", default=[])
    parser.add_argument("--namespace", default="default")
    given = parser.parse_args(arguments)
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    server = config["clusters"][0]["cluster"]["server"]
    for each in _objects(given):
        if given.verb == "apply":
            _apply(server, each)
        else:
            _delete(server, each)


def _objects(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for name in given.files:
        yield from yaml.safe_load_all(Path(name).read_text())
    if given.names:
        kind, name = given.names
        api_version, known = next(each for each in RESOURCES if each[1].lower() == kind)
        yield {
            "apiVersion": api_version,
            "kind": known,
            "metadata": {"name": name, "namespace": given.namespace},
        }


def _apply(server: str, given: dict[str, Any]) -> None:
    response = requests.post(f"{server}{_collection(given)}", json=given, timeout=10)
    changed = "created"
    if response.status_code == requests.codes.conflict:
        target = f"{server}{_collection(given)}/{given['metadata']['name']}"
        stored = requests.get(target, timeout=10).json()
        given["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
        response = requests.put(target, json=given, timeout=10)
        changed = "configured"
    response.raise_for_status()
    print(f"{_kind(given)}/{given['metadata']['name']} {changed}")


def _delete(server: str, given: dict[str, Any]) -> None:
    name = given["metadata"]["name"]
    response = requests.delete(f"{server}{_collection(given)}/{name}", timeout=10)
    response.raise_for_status()
    print(f'{_kind(given)} "{name}" deleted')


def _collection(given: dict[str, Any]) -> str:
    base, _, plural = RESOURCES[given["apiVersion"], given["kind"]].rpartition("/")
    return f"{base}/namespaces/{given['metadata']['namespace']}/{plural}"


def _kind(given: dict[str, Any]) -> str:
    group = given["apiVersion"].rpartition("/")[0]
    return f"{given['kind'].lower()}.{group}" if group else given["kind"].lower()


if __name__ == "__main__":
    main(sys.argv[1:])
