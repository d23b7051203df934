"""Measured ratios: what the service takes against what the same work takes without it, on this machine, in one run.

`make bench` runs the rows that are quick enough for every day, `make bench-all` all of them. A row is data
(`rows.Row`): what is measured, against what, the bar, and a context manager that prepares both sides. To add rows,
write a module with a list `ROWS` and name it in `registry.py`.
"""
