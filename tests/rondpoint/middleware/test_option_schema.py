"""Options of Python middlewares: what labels and files write becomes a value of the declared class."""

from typing import Annotated

import msgspec
import pydantic
import pytest

from rondpoint.middleware.option_schema import read_options


class Store(msgspec.Struct, frozen=True):
    url: str = "redis://localhost"


class Options(msgspec.Struct, frozen=True):
    limit: Annotated[int, msgspec.Meta(ge=1)]
    redis_url: str = ""
    names: list[str] = []
    strict: bool = False
    store: Store | None = None


class Model(pydantic.BaseModel):
    limit: Annotated[int, pydantic.Field(ge=1)]
    redis_url: str = ""
    names: list[str] = []
    strict: bool = False


class StoreModel(pydantic.BaseModel):
    url: str = "redis://localhost"


class NestedModel(pydantic.BaseModel):
    limit: int = 1
    store: StoreModel | None = None


BOTH = pytest.mark.parametrize("schema", [Options, Model])


@BOTH
@pytest.mark.parametrize(
    ("written", "limit", "redis_url", "names", "strict"),
    [
        ({"limit": 5}, 5, "", [], False),
        ({"limit": "5", "strict": "true", "names": "a, b,"}, 5, "", ["a", "b"], True),
        ({"LIMIT": "7", "redisUrl": "redis://r", "names": ["a"]}, 7, "redis://r", ["a"], False),
        ({"limit": 1, "redis-url": "x", "Strict": True}, 1, "x", [], True),
    ],
)
def test_options_are_read(
    schema: type, written: dict[str, object], limit: int, redis_url: str, names: list[str], strict: bool
) -> None:
    options = read_options(schema, written)
    assert isinstance(options, schema)
    assert (options.limit, options.redis_url, options.names, options.strict) == (
        limit,
        redis_url,
        names,
        strict,
    )


@pytest.mark.parametrize(("schema", "store"), [(Options, Store), (NestedModel, StoreModel)])
def test_nested_options_are_read(schema: type, store: type) -> None:
    options = read_options(schema, {"limit": "1", "store": {"URL": "redis://a"}})
    assert options.store == store(url="redis://a")
    with pytest.raises(ValueError, match=r"option store\.ulr is unknown \(did you mean url\?\)"):
        read_options(schema, {"limit": 1, "store": {"ulr": "x"}})


@BOTH
@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({}, "limit"),
        ({"limit": "many"}, "option limit: "),
        ({"limit": 0}, "option limit: "),
        ({"limit": 1, "strict": "perhaps"}, "option strict: "),
        ({"limit": 1, "limits": 2}, r"option limits is unknown \(did you mean limit\?\)"),
        ({"limit": 1, "names": [{}]}, "option names"),
    ],
)
def test_invalid_options_are_named(schema: type, written: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_options(schema, written)


def test_a_middleware_without_options_takes_none() -> None:
    assert read_options(None, {}) is None
    with pytest.raises(ValueError, match="it has no options, but limit is given"):
        read_options(None, {"limit": 1})


def test_another_kind_of_class_is_no_schema() -> None:
    with pytest.raises(TypeError, match="neither a msgspec Struct nor a pydantic model"):
        read_options(dict, {"a": 1})
