"""The providers of routes that the API defines; they follow changes in the store."""

from __future__ import annotations

import redis

from discovery.providers.admin.assembly import ObjectAssembler, assemble_rest
from discovery.providers.admin.provider import ApiProvider
from discovery.providers.contract import Provider
from rondpoint.settings import Settings
from rondpoint.store.admin.document import ADMIN, REST
from rondpoint.store.keys import Keys

__all__ = ["ApiProvider", "api_providers"]


def api_providers(settings: Settings, client: redis.Redis) -> dict[str, Provider]:
    """Return the providers of API-defined routes by name: `admin`, and `rest` if the settings enable it."""
    keys = Keys(settings.redis.namespace)
    found: dict[str, Provider] = {ADMIN: ApiProvider(ADMIN, ObjectAssembler(), client, keys)}
    if settings.providers.rest is not None:
        found[REST] = ApiProvider(REST, assemble_rest, client, keys)
    return found
