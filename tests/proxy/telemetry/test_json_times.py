"""Times in JSON log lines."""

from datetime import datetime, timedelta
from time import monotonic, time

from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.json_times import NAMES, JsonTimes

REQUESTS = st.tuples(
    st.one_of(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.floats(0, 3)), st.floats(0, 2), st.floats(-0.1, 2)
)
"""When a request started, in seconds since a whole second; how long it took; after how long it was sent."""


@given(st.lists(REQUESTS, min_size=1, max_size=5))
def test_the_times_of_requests_that_lie_in_one_second_or_in_several(requests: list) -> None:
    offset = time() - monotonic()
    whole = int(time()) - 10 - offset
    started = [whole + at for at, _, _ in requests]
    seconds = [took for _, took, _ in requests]
    tried = [start + min(sent, took) for start, (_, took, sent) in zip(started, requests, strict=True)]
    columns = dict(zip(NAMES, JsonTimes().columns(started, seconds, tried), strict=True))
    for number, (start, took, first) in enumerate(zip(started, seconds, tried, strict=True)):
        line = {name: column[number] for name, column in columns.items()}
        begin, local, end = (
            datetime.fromisoformat(line[name]) for name in ("StartUTC", "StartLocal", "time")
        )
        assert (len(line["time"]), len(line["StartUTC"]), begin) == (27, 27, local)
        # The clock is read once more, on a busy machine.
        assert abs(begin.timestamp() - start - offset) < 0.5
        assert end - begin == timedelta(microseconds=line["Duration"] // 1000)
        assert line["Duration"] == int(took * 1e9)
        assert line["Overhead"] == int(max(first - start, 0.0) * 1e9)
        assert line["Overhead"] + line["OriginDuration"] == line["Duration"]


def test_a_request_that_no_server_got_is_all_overhead() -> None:
    columns = JsonTimes().columns([monotonic()], [0.25], [0.0])
    assert [column[0] for column in columns[3:]] == [250_000_000, 0, 250_000_000]
