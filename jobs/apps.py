from django.apps import AppConfig
from django.db.models.signals import post_migrate


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = "Work"

    def ready(self) -> None:
        from hypermedia import repeats
        from jobs import restarts  # noqa: F401  # registers its operation
        from jobs.idempotency import answer_once
        from jobs.registry import store_task_types

        post_migrate.connect(store_task_types, sender=self, dispatch_uid="jobs.store_task_types")
        repeats.register(answer_once)
