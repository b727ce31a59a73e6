"""What the HTML page shows, worked out before the template writes it: where things stand, in which words and in which order."""
