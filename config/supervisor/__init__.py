"""What `manage.py up` does: start everything on one machine, watch it, and end all of it."""
