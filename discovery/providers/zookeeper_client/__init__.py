"""The only code that talks to ZooKeeper: servers, connections, records of its protocol and sessions."""
