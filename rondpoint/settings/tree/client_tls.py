"""The settings of TLS for connections of a provider to its source."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Switch, Text


class ClientTls(Section):
    """TLS for connections to the provider's source."""

    ca: Text = Field(
        default="",
        description="The CA certificates that verify the server's certificate: a file or PEM text; default: "
        "the system's.",
    )
    cert: Text = Field(default="", description="The client certificate: a file or PEM text; requires `key`.")
    key: Text = Field(default="", description="The key of the client certificate: a file or PEM text.")
    insecure_skip_verify: Switch = Field(
        default=False, description="Do not verify the server's certificate. For tests only."
    )
