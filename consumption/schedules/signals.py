"""What schedules tell the rest. Sent inside the transaction that writes the run: a receiver's rows are kept with it."""

from django.dispatch import Signal

# run: the ScheduledRun whose export the rules refused; `reason` says why
run_refused = Signal()
