from django.apps import AppConfig


class ConsumptionConfig(AppConfig):
    name = "consumption"
    verbose_name = "Consumption"

    def ready(self) -> None:
        from consumption import checks, operations  # noqa: F401
        from consumption.writing import operation, owning  # noqa: F401
