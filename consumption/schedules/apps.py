from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    name = "consumption.schedules"
    label = "schedules"
    verbose_name = "Planning"
