"""Whether a ZooKeeper that comes back still has its data."""

import pytest

from discovery.providers.zookeeper.history import History

CASES = {
    "nothing is known": (None, History((5, 1000), 9), False),
    "the same": (History((5, 1000), 9), History((5, 1000), 9), True),
    "later": (History((5, 1000), 9), History((5, 1000), 12), True),
    "an old copy": (History((5, 1000), 9), History((5, 1000), 8), False),
    "set up anew": (History((5, 1000), 9), History((5, 2000), 12), False),
    "another root": (History((5, 1000), 9), History((11, 1000), 12), False),
    "no root": (History((5, 1000), 9), History(None, 12), False),
    "the first root": (History(None, 9), History((11, 1000), 12), False),
}


@pytest.mark.parametrize(("before", "now", "continues"), CASES.values(), ids=CASES)
def test_whether_the_data_are_the_same(before: History | None, now: History, continues: bool) -> None:
    assert now.continues(before) is continues
