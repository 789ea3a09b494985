"""A stand-in for the APIs of ECS, EC2 and Systems Manager on a real socket.

It speaks their documented protocols (JSON 1.1 for ECS and Systems Manager, queries with XML for EC2), and
knows the calls that a reader of tasks makes. Signatures are not checked.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from tests.lab.http_server import Handler, HttpServer

_PAGE = 2
"""Tasks and clusters in a page; 100 in ECS."""

_ARN = "arn:aws:ecs:eu-west-1:1:"


def make_task(
    name: str,
    ports: dict[int, int],
    labels: dict[str, str] | None = None,
    *,
    number: int = 0,
    own_network: bool = True,
    machine: str = "i-1",
    address: str = "127.0.0.1",
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a task with one container `web`, and its definition, as ECS describes them.

    `ports` are the ports of the container, each with the one that reaches it.
    """
    definition_arn = f"{_ARN}task-definition/{name}:{number}"
    mappings = [
        {"containerPort": inner, "hostPort": outer, "protocol": "tcp"} for inner, outer in ports.items()
    ]
    defined = {"name": "web", "dockerLabels": labels or {}, "portMappings": mappings if own_network else []}
    definition = {
        "taskDefinitionArn": definition_arn,
        "networkMode": "awsvpc" if own_network else "bridge",
        "containerDefinitions": [defined],
    }
    container = {
        "name": "web",
        "networkInterfaces": [{"privateIpv4Address": address}] if own_network else [],
        "networkBindings": [] if own_network else mappings,
    }
    task: dict[str, Any] = {
        "taskArn": f"{_ARN}task/{name}{number:012}",
        "taskDefinitionArn": definition_arn,
        "group": f"service:{name}",
        "lastStatus": "RUNNING",
        "healthStatus": "UNKNOWN",
        "attachments": [{"type": "ElasticNetworkInterface"}] if own_network else [],
        "containers": [container],
    }
    if not own_network:
        task["containerInstanceArn"] = f"{_ARN}container-instance/{machine}"
    return task, definition


class Aws(HttpServer):
    """Serves tasks inside `with`. `fault` is the error that every call gets, if it is set."""

    def __init__(self, port: int = 0) -> None:
        self.fault = ""
        self.calls: list[str] = []
        self._clusters: dict[str, dict[str, dict[str, Any]]] = {"default": {}}
        self._definitions: dict[str, dict[str, Any]] = {}
        self._machines: dict[str, str] = {}
        aws = self

        class Api(Handler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # noqa: N802 - the name that the base class calls
                aws.handle(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        super().__init__(Api, port)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which clients of AWS use this stand-in."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    def run_task(
        self,
        name: str,
        ports: dict[int, int],
        labels: dict[str, str] | None = None,
        *,
        cluster: str = "default",
        own_network: bool = True,
        machine: str = "i-1",
        address: str = "127.0.0.1",
        **more: Any,
    ) -> str:
        """Run a task of the service NAME, as made by `make_task`; return its ARN."""
        tasks = self._clusters.setdefault(cluster, {})
        number = sum(len(each) for each in self._clusters.values())
        task, definition = make_task(
            name, ports, labels, number=number, own_network=own_network, machine=machine, address=address
        )
        self._definitions[definition["taskDefinitionArn"]] = definition
        self._machines[machine] = address
        tasks[task["taskArn"]] = task | more
        return str(task["taskArn"])

    def stop_task(self, arn: str) -> None:
        """Remove a task."""
        for tasks in self._clusters.values():
            tasks.pop(arn, None)

    def handle(self, request: Handler, body: bytes) -> None:
        """Respond to one call."""
        target = request.headers.get("X-Amz-Target", "")
        if not target:
            options = dict(parse_qsl(body.decode()))
            self.calls.append(options["Action"])
            request.reply(200, self._instances(options).encode())
            return
        operation = target.rpartition(".")[2]
        self.calls.append(operation)
        if self.fault:
            self._send(request, 400, {"__type": self.fault, "message": "no"})
            return
        self._send(request, 200, getattr(self, f"_{operation}")(json.loads(body or b"{}")))

    def _send(self, request: Handler, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/x-amz-json-1.1")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _page(self, key: str, items: list[str], options: dict[str, Any]) -> dict[str, Any]:
        begin = int(options.get("nextToken") or 0)
        page: dict[str, Any] = {key: items[begin : begin + _PAGE]}
        if begin + _PAGE < len(items):
            page["nextToken"] = str(begin + _PAGE)
        return page

    def _ListClusters(self, options: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - AWS's name
        return self._page("clusterArns", list(self._clusters), options)

    def _ListTasks(self, options: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - AWS's name
        return self._page("taskArns", list(self._clusters[options["cluster"]]), options)

    def _DescribeTasks(self, options: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - AWS's name
        tasks = self._clusters[options["cluster"]]
        return {"tasks": [tasks[each] for each in options["tasks"] if each in tasks], "failures": []}

    def _DescribeTaskDefinition(self, options: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - AWS's name
        return {"taskDefinition": self._definitions[options["taskDefinition"]]}

    def _DescribeContainerInstances(self, options: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - AWS's name
        found = [
            {"containerInstanceArn": each, "ec2InstanceId": each.rpartition("/")[2]}
            for each in options["containerInstances"]
        ]
        return {"containerInstances": found, "failures": []}

    def _DescribeInstanceInformation(self, options: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - AWS's name
        (given,) = options["Filters"]
        found = [{"InstanceId": each, "IPAddress": self._machines[each]} for each in given["Values"]]
        return {"InstanceInformationList": found}

    def _instances(self, options: dict[str, str]) -> str:
        ids = [value for name, value in options.items() if name.startswith("InstanceId.")]
        items = "".join(
            f"<item><instanceId>{each}</instanceId><privateIpAddress>{self._machines[each]}</privateIpAddress>"
            "<instanceState><code>16</code><name>running</name></instanceState></item>"
            for each in ids
        )
        return (
            '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>'
            f"<reservationSet><item><reservationId>r-1</reservationId><instancesSet>{items}</instancesSet></item>"
            "</reservationSet></DescribeInstancesResponse>"
        )
