"""How tasks look in the console, and what operators do with them there."""

from hypermedia import subjects

subjects.register("generic/tasks/{id}", "jobs_task")
subjects.register("taskprocessing/{id}", "jobs_task")
