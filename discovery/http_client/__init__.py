"""HTTP client of providers: interruptible connections, time limits, and errors that say what failed.

Consul's and etcd's clients use requests, and take the interruptible connections alone.
"""
