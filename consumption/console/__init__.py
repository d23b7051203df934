"""The console's pages of exports and imports."""
