from django.apps import AppConfig


class CallbacksConfig(AppConfig):
    name = "jobs.callbacks"
    label = "callbacks"
    verbose_name = "Integration jobs"
