"""TCP routers: finds the router of a connection, and joins the connection with a server of its service."""
