"""The commands of docs/kubernetes.md work as described, with stand-ins for the API server and kubectl."""

import sys
from pathlib import Path

from tests.lab.tutorial import Command, Shell, steps

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/kubernetes.md"
PORT = 6443
"""Of the API server, in the shell's own network."""

KUBECONFIG = f"""
current-context: lab
contexts: [{{name: lab, context: {{cluster: lab, user: lab}}}}]
clusters: [{{name: lab, cluster: {{server: "http://127.0.0.1:{PORT}"}}}}]
users: [{{name: lab, user: {{token: lab}}}}]
"""


def test_the_commands_of_the_tutorial_work_as_described(short_path: Path, tmp_path: Path) -> None:
    found = steps(PAGE.read_text())
    assert len(found) > 15
    kubectl = tmp_path / "kubectl"
    run = f"PYTHONPATH={ROOT} exec {sys.executable} -m tests.lab.kubernetes"
    kubectl.write_text(f'#!/bin/sh\n{run}.kubectl "$@"\n')
    kubectl.chmod(0o755)
    (tmp_path / "config").write_text(KUBECONFIG)
    path = [Path(sys.executable).parent, tmp_path]
    with Shell(short_path, path, environment={"KUBECONFIG": str(tmp_path / "config")}) as shell:
        server = f"exec {sys.executable} -m tests.lab.kubernetes.api_server {PORT}"
        shell.run_step(Command(f"(cd {ROOT} && {server}) & disown; api=$!", ""))
        for step in found:
            shell.run_step(step)
        shell.run_step(Command("kill $api", ""))
    assert not list(short_path.iterdir()), "the page leaves something behind"
