"""The client of etcd gets a new token when the last one has ended, for reads and for watches."""

from pathlib import Path

from discovery.providers.etcd.client import EtcdClient
from discovery.providers.etcd.endpoint import endpoints_of
from rondpoint.settings import EtcdOptions
from tests.lab.etcd import Etcd


def test_tokens_that_have_ended_are_replaced(tmp_path: Path) -> None:
    with Etcd(tmp_path) as etcd:
        etcd.write({"traefik/a": "1"})
        etcd.add_user("root", "secret")
        etcd.add_user("reader", "word", "traefik/")
        etcd.enable_users("root", "secret")
        options = EtcdOptions(endpoints=(etcd.address,), username="reader", password="word")
        with EtcdClient(endpoints_of(options)[0], "traefik/") as client:
            assert client.keys().keys == {"traefik/a": b"1"}
            etcd.end_tokens("root", "secret")
            revision = client.keys().revision
            etcd.end_tokens("root", "secret")
            etcd.write({"traefik/a": "2"})
            assert list(client.watch(revision + 1)) == []
            events = next(each.events for each in client.watch(revision + 1) if each.events)
    assert [each.kv.value for each in events] == [b"2"]
