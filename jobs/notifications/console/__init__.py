"""The console's pages of endpoints, events, deliveries with their calls, and alarms."""

from hypermedia import subjects

subjects.register("notificationendpoints/{id}", "notifications_notificationendpoint")
subjects.register("notificationdeliveries/{id}", "notifications_delivery")
