"""The client for people: `manage.py export` and `manage.py watch`.

It speaks HTTP as any client does, knows one address, and follows links from there; it shares no code with the server.
"""
