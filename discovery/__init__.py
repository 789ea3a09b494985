"""The discovery agent: reads the sources of routes and writes the merged configuration to the store."""
