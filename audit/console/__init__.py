"""What the console of every app has: named actions with a reason and an audit row, and who came and went."""
