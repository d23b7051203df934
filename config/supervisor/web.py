"""The web application as `up` serves it: a worker process of the server ends with the server, however that ends."""

import multiprocessing

from config.embedded.process import die_with_parent

if server := multiprocessing.parent_process():
    die_with_parent(parent=server.pid)

from config.wsgi import application  # last, because the line above must not wait for Django

__all__ = ["application"]
