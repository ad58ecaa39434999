"""How close a match is, and the page that shows it."""
