from django.apps import AppConfig


class ConsumptionConfig(AppConfig):
    name = "consumption"
    verbose_name = "Consumption"

    def ready(self) -> None:
        import consumption.checks
        import consumption.exporting.operation
        import consumption.writing.operation
        import consumption.writing.owning  # noqa: F401
