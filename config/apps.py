from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Tallyport"

    def ready(self) -> None:
        from config import checks, wiring  # noqa: F401  # registers the checks
        from config.roles import store_roles

        wiring.connect()

        # The last app with models sends the last signal: only then do the permissions of all of them exist.
        last = [app for app in apps.get_app_configs() if app.models_module is not None][-1]
        post_migrate.connect(store_roles, sender=last, dispatch_uid="config.store_roles")
