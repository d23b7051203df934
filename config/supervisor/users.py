"""The users of a development machine, each with its name as its password. Production never has them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group, User

from hypermedia.readers import Role

GROUPS = {
    "testuser1": Role.CLIENT,
    "integration1": Role.INTEGRATION,
    "operator1": Role.OPERATOR,
    "auditor1": Role.AUDITOR,
}
SUPERUSER = "admin"
CONSOLE_ROLES = (Role.OPERATOR, Role.AUDITOR)


def create() -> list[str]:
    """Make the users that are missing, and return their names.

    Raises:
        RuntimeError: this is not a development machine.
    """
    if not settings.DEVELOPMENT:
        raise RuntimeError("Development users are made in development only.")
    existing = set(User.objects.values_list("username", flat=True))
    missing = [name for name in (*GROUPS, SUPERUSER) if name not in existing]
    for name in missing:
        create_user(name)
    return missing


def create_user(name: str) -> None:
    if name == SUPERUSER:
        User.objects.create_superuser(name, password=name)
        return
    group, _ = Group.objects.get_or_create(name=GROUPS[name])
    in_console = GROUPS[name] in CONSOLE_ROLES
    User.objects.create_user(name, password=name, is_staff=in_console).groups.add(group)
