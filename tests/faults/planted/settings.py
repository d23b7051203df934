"""The service's settings, and one more app that takes out a guard when everything is loaded."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as ALL

INSTALLED_APPS = [*ALL, "tests.faults.planted"]
