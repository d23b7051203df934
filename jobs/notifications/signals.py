"""What notifications tell the rest."""

from django.dispatch import Signal

# endpoint_id: int. Sent after the commit: the endpoint has deliveries that are due, so a worker should be told.
# A receiver answers whether it could be.
deliveries_due = Signal()
