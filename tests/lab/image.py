"""Creates images without a registry: busybox, and a busybox server that responds with its host name."""

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import docker

from tests.lab.errors import LabError

WHOAMI = "rondpoint/whoami:latest"
NAMES = (WHOAMI, "osones/helloworld:latest")
BUSYBOX = "busybox:latest"

APPLETS = (
    "cat",
    "echo",
    "head",
    "hostname",
    "kill",
    "nc",
    "ps",
    "rm",
    "sh",
    "sleep",
    "test",
    "touch",
    "wget",
)

# Serves one connection: each response has the container's host name as its body and the request target in a
# header; /sleep/N first waits N seconds.
ANSWER = r"""#!/bin/sh
carriage_return=$(printf '\r')
while read -r method target version; do
    length=0
    while IFS= read -r line; do
        line=${line%"$carriage_return"}
        case $line in
            '') break ;;
            [Cc]ontent-[Ll]ength:*) length=$((${line#*:})) ;;
        esac
    done
    [ "$length" -gt 0 ] && head -c "$length" >/dev/null
    case $target in
        /sleep/*) sleep "${target#/sleep/}" ;;
    esac
    size=$((${#HOSTNAME} + 1))
    body="$HOSTNAME
"
    [ "$method" = HEAD ] && body=
    # In one write, so a container that is killed sends no partial response.
    printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %s\r\nX-Target: %s\r\n\r\n%s' \
        "$size" "$target" "$body"
done
"""

# Process 1 has no default signal actions, so the script handles SIGTERM. The server continues for $NOTICE
# seconds, then accepts no new connections; open ones have $LINGER seconds to end, and the container ends.
SERVE = r"""#!/bin/sh
HOSTNAME=$(hostname)
export HOSTNAME
nc -ll -p "${PORT:-80}" -e /bin/answer &
server=$!
trap 'sleep "${NOTICE:-0}"; kill "$server"; sleep "${LINGER:-0}"; exit 0' TERM INT
wait "$server"
"""


def import_whoami(client: docker.DockerClient) -> str:
    """Import the server under each of `NAMES` and return the first, `WHOAMI`.

    It listens on port 80, or on $PORT; the body of every response is its host name.
    """
    layers = _archive(APPLETS, {"bin/answer": ANSWER, "bin/serve": SERVE})
    for name in NAMES:
        _import(client, name, layers, 'CMD ["/bin/serve"]', "EXPOSE 80")
    return WHOAMI


def import_busybox(client: docker.DockerClient) -> str:
    """Import busybox with a link for every applet under its official name; return the name."""
    listed = subprocess.run([_busybox(), "--list"], capture_output=True, text=True, check=True)
    _import(client, BUSYBOX, _archive(listed.stdout.split(), {}), 'CMD ["sh"]')
    return BUSYBOX


def _import(client: docker.DockerClient, name: str, layers: bytes, *changes: str) -> None:
    repository, _, tag = name.partition(":")
    client.api.import_image_from_data(
        layers, repository=repository, tag=tag, changes=[*changes, "ENV PATH=/bin"]
    )


def _archive(applets: Iterable[str], scripts: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for directory in ("bin", "etc", "tmp", "var"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        _add(archive, "bin/busybox", _busybox().read_bytes())
        for path, text in scripts.items():
            _add(archive, path, text.encode())
        for applet in applets:
            if applet == "busybox":
                continue
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(entry)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = 0o755, len(content)
    archive.addfile(entry, io.BytesIO(content))


def _busybox() -> Path:
    found = shutil.which("busybox")
    # ldd succeeds for a program that needs shared libraries, which the image would not have.
    if not found or subprocess.run(["ldd", found], capture_output=True, check=False).returncode == 0:
        raise LabError("a static busybox is missing: apt-get install busybox-static")
    return Path(found)
