"""The only code that talks to the Kubernetes API: a client, watches, and the objects they keep current."""
