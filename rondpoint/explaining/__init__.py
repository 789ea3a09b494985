"""Why a request is routed where it is, or nowhere: pure, from a configuration and the facts of a request."""
