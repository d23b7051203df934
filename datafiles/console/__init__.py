"""How data file sets look in the console."""
