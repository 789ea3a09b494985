"""Names and addresses as certificates hold them."""

from __future__ import annotations

from ipaddress import ip_address

from cryptography import x509

from rondpoint.tls.names import is_address


def general_name(name: str) -> x509.GeneralName:
    """Return a DNS name or an IP address as certificates hold it."""
    return x509.IPAddress(ip_address(name)) if is_address(name) else x509.DNSName(name)
