"""Secrets in the history of changes."""

from rondpoint.store.admin.redaction import Change, redact, redacted_changes


def test_a_health_check_of_tcp_shows_what_it_sends_without_credentials() -> None:
    def service(send: str) -> dict[str, object]:
        return {"loadBalancer": {"healthCheck": {"send": send}}}

    assert redact("tcp/services/db", service("PING\r\n")) == service("PING\r\n")
    assert redact("tcp/services/db", service("AUTH one\r\n")) == service("…")
    changes = list(redacted_changes("tcp/services/db", service("AUTH one"), service("AUTH two")))
    assert changes == [Change("loadBalancer.healthCheck.send", "…", "…")]
