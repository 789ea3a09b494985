"""Authentication: tokens, users and passwords, sessions, failed logins, and the origin of browser requests.

These modules import neither ssl nor Flask, so the master can check the credentials before gevent patches the
process.
"""
