"""What the engine tells the rest. Sent inside the transaction that ends the operation: a receiver's rows are kept
with the end or not at all."""

from django.dispatch import Signal

# operation: the registered LongRunningOperation; task_id: int; status: TaskStatus (an end state)
operation_ended = Signal()
