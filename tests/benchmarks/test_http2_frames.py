"""Tests of the client of HTTP/2 that keeps no state."""

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RemoteSettingsChanged, RequestReceived

from benchmarks.http2_frames import DATA, HEADERS, count_frames, preface, request_frame
from benchmarks.peers.peer import HOST


def test_a_server_reads_the_settings_and_the_requests():
    server = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    events = server.receive_data(preface(window=0) + request_frame(1, "/a") + request_frame(3, "/b"))
    (settings,) = (each for each in events if isinstance(each, RemoteSettingsChanged))
    assert [(each.setting, each.new_value) for each in settings.changed_settings.values()] == [(4, 0)]
    requests = [dict(each.headers) for each in events if isinstance(each, RequestReceived)]
    assert [(each[":authority"], each[":path"]) for each in requests] == [(HOST, "/a"), (HOST, "/b")]


def test_whole_frames_of_a_kind_are_counted():
    data = request_frame(1, "/a") + request_frame(3, "/b")
    assert (count_frames(data, HEADERS), count_frames(data, DATA)) == (2, 0)
    assert count_frames(data[:-1], HEADERS) == 1
