"""How tasks look in the console, and what operators do with them there."""
