"""Django's backend for PostgreSQL, as `ENGINE`, with a cheaper look at whether a kept connection still lives."""
