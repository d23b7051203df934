"""The web application as `up` serves it: a worker process of the server ends with the server, however that ends, and no
client keeps a thread by falling silent."""

import multiprocessing

from config.embedded.process import die_with_parent

if server := multiprocessing.parent_process():
    die_with_parent(parent=server.pid)

from django.conf import settings  # not before: the line above must not wait for Django

from config.supervisor import silence
from config.wsgi import application

if multiprocessing.parent_process():
    silence.watch(settings.SILENT_SECONDS)

__all__ = ["application"]
