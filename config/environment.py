"""How `settings.py` reads the environment: any variable may be given as NAME, or as NAME_FILE that holds its value."""

from __future__ import annotations

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class Variables(FileAwareMapping):  # type: ignore[misc]  # untyped
    """Without the line's end that editors and secret stores put behind the value."""

    def __getitem__(self, key: str) -> str:
        try:
            value = str(super().__getitem__(key))
        except (OSError, UnicodeError) as error:
            raise ImproperlyConfigured(f"The file of {key}_FILE cannot be read ({type(error).__name__}).") from None
        return value.rstrip("\r\n")


class Environment(environ.Env):  # type: ignore[misc]  # untyped
    ENVIRON = Variables()
