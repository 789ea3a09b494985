"""Names that certificates are ordered for: DNS names, wildcards and IP addresses."""

from __future__ import annotations

from ipaddress import ip_address

from cryptography import x509


def is_address(name: str) -> bool:
    """Return whether a name is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def general_name(name: str) -> x509.GeneralName:
    """Return a name or an IP address as certificates hold it."""
    return x509.IPAddress(ip_address(name)) if is_address(name) else x509.DNSName(name)
