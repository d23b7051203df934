"""What the engine tells the rest. Sent inside the transaction that ends the operation: a receiver's rows are kept
with the end or not at all."""

from django.dispatch import Signal

# operation: the registered LongRunningOperation; task_id, subject_id: int; status: TaskStatus (an end state);
# changes: what else was set in the operation's row (name -> value)
operation_ended = Signal()
