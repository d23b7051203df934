"""The service with one of its guards taken out, to see whether the checks notice. Nothing of this is in the service: a
program runs with the settings in here, and the variable PLANTED names the guard."""
