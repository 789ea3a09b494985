"""Services whose instances have tags, as in Consul and Nomad: instances, inventory, and decoding of tags."""
