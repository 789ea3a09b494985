"""What routers' middlewares come to, without a proxy around them."""

import pytest

from proxy.middlewares.chains import MOST, ChainError, Chains
from rondpoint.model import Middleware


def chain(name: str, *middlewares: str) -> Middleware:
    return Middleware(name, "chain", {"middlewares": list(middlewares)})


def test_a_chain_of_chains_is_all_that_they_hold() -> None:
    chains = Chains()
    chains.put(chain("outer", "inner", "last", "inner"))
    chains.put(chain("inner", "last", "last"))
    chains.put(Middleware("last", "addPrefix", {"prefix": "/a"}))
    assert len(chains.compile_chain(("outer",), "router", "r")) == 5


def test_chains_of_chains_do_not_multiply_without_end() -> None:
    """Each holds the next one twice: so few labels could ask for billions of steps."""
    chains = Chains()
    for number in range(60):
        chains.put(chain(f"c{number}", f"c{number + 1}", f"c{number + 1}"))
    chains.put(chain("c60"))
    with pytest.raises(ChainError, match=f"more than {MOST}"):
        chains.compile_chain(("c0",), "router", "r")
    assert chains.compile_chain(("c60",), "router", "r") == ()
