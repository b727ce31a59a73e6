"""Pull requests with the next phase of a rotation: which there should be, and their calls."""
