"""Compiling the middlewares of routers."""

import pytest

from proxy.middlewares.chains import MAX_MIDDLEWARES, ChainError, Chains
from rondpoint.model import Middleware


def chain(name: str, *middlewares: str) -> Middleware:
    return Middleware(name, "chain", {"middlewares": list(middlewares)})


def test_chains_within_chains_are_unfolded() -> None:
    chains = Chains()
    chains.put(chain("outer", "inner", "last", "inner"))
    chains.put(chain("inner", "last", "last"))
    chains.put(Middleware("last", "addPrefix", {"prefix": "/a"}))
    assert len(chains.compile_chain(("outer",), "router", "r")) == 5


def test_the_number_of_middlewares_is_limited() -> None:
    """Each chain contains the next one twice: a few labels could otherwise make billions of steps."""
    chains = Chains()
    for number in range(60):
        chains.put(chain(f"c{number}", f"c{number + 1}", f"c{number + 1}"))
    chains.put(chain("c60"))
    with pytest.raises(ChainError, match=f"more than {MAX_MIDDLEWARES}"):
        chains.compile_chain(("c0",), "router", "r")
    assert chains.compile_chain(("c60",), "router", "r") == ()
