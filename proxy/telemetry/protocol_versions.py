"""The versions of HTTP by `Request.version`, as logs show them."""

VERSIONS = ("1.0", "1.1", "2.0")
ENCODED_VERSIONS = tuple(version.encode() for version in VERSIONS)
