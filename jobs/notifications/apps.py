from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "jobs.notifications"
    label = "notifications"
    verbose_name = "Notifications"
