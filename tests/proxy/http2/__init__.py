"""Tests of HTTP/2 with bytes: conformance to RFC 9113 and RFC 7541, smuggling, abuse."""
