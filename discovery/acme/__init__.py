"""Orders certificates from certificate authorities (CAs) by ACME (RFC 8555)."""
