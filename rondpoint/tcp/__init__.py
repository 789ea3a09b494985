"""TCP routers and services, as agents publish them and proxies serve them."""
