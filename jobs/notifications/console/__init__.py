"""The console's pages of endpoints, events, deliveries with their calls, and alarms."""
