"""The read batch: how an export is carried out, from its window to its published files."""
