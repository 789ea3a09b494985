"""Python middlewares in labels and files: their options reach the middleware as they were written."""

import msgspec
import pytest
import yaml

from discovery.dynamic import decode as decode_file
from discovery.labels import decode
from proxy.middlewares.chains import ChainError, Chains
from rondpoint.middleware import Forward, Request, Response, middleware
from rondpoint.middleware.installed import InstalledMiddlewares
from rondpoint.model import Middleware
from tests.discovery.labels.containers import OPTIONS, container

KEYS = "traefik.http.middlewares.keys.plugin"
ROUTER = {"traefik.http.routers.r.rule": "Host(`a.test`)", "traefik.http.routers.r.middlewares": "keys"}


class Store(msgspec.Struct, frozen=True):
    url: str


class Options(msgspec.Struct, frozen=True):
    redis_url: str = ""
    names: list[str] = []
    limit: int = 1
    store: Store | None = None


@middleware("api-key", options=Options)
def handle(request: Request, forward: Forward, options: Options) -> Response:
    return forward(request)


def chains(given: Middleware) -> Chains:
    installed = InstalledMiddlewares()
    installed.load("this test", lambda: handle)
    found = Chains(installed=installed)
    found.put(given)
    return found


LABELS = [
    ({"api-key.redisUrl": "redis://Host/0"}, {"api-key": {"redisUrl": "redis://Host/0"}}),
    ({"api-key.names": "A,b"}, {"api-key": {"names": "A,b"}}),
    ({"api-key.names[0]": "A", "api-key.names[1]": "b"}, {"api-key": {"names": ["A", "b"]}}),
    ({"api-key.Limit": "7", "api-key.store.URL": "x"}, {"api-key": {"Limit": "7", "store": {"URL": "x"}}}),
    ({"api-key": "true"}, {"api-key": "true"}),
]


@pytest.mark.parametrize(("labels", "options"), LABELS)
def test_labels(labels: dict[str, str], options: dict[str, object]) -> None:
    own = {f"{KEYS}.{name}": value for name, value in labels.items()}
    decoded = decode(container("c", {**ROUTER, **own}), OPTIONS)
    assert decoded.diagnostics == ()
    (found,) = decoded.middlewares
    assert (found.kind, found.options) == ("plugin", options)
    assert len(chains(found).compile_chain(("keys@docker",), "router", "r")) == 1


FILES = [
    "{api-key: {}}",
    "{api-key: {redisUrl: a, names: [b, c], limit: 3, store: {url: x}}}",
    "{api-key: {REDIS_URL: a}}",
]


@pytest.mark.parametrize("text", FILES)
def test_files(text: str) -> None:
    tree = yaml.safe_load(f"http: {{middlewares: {{keys: {{plugin: {text}}}}}}}")
    decoded = decode_file(tree, "file", "f.yml")
    assert decoded.diagnostics == ()
    (found,) = decoded.middlewares
    assert len(chains(found).compile_chain(("keys@file",), "router", "r")) == 1


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (
            {"api-kye.limit": "1"},
            r"no installed Python middleware has the name api-kye \(did you mean api-key",
        ),
        ({"api-key.limits": "1"}, r"option limits is unknown \(did you mean limit\?\)"),
        ({"api-key.limit": "x"}, "option limit: Expected `int`"),
        ({"api-key.store.uri": "x"}, r"option store\.uri is unknown \(did you mean url\?\)"),
        ({"api-key": "false"}, r"expected options below plugin\.api-key"),
        ({"api-key.limit": "1", "other.limit": "1"}, "one Python middleware, not 2"),
    ],
)
def test_what_cannot_be_applied_closes_the_router(labels: dict[str, str], reason: str) -> None:
    own = {f"{KEYS}.{name}": value for name, value in labels.items()}
    (found,) = decode(container("c", {**ROUTER, **own}), OPTIONS).middlewares
    with pytest.raises(ChainError, match=f"middleware keys@docker: .*{reason}"):
        chains(found).compile_chain(("keys@docker",), "router", "r")
