"""Plan rotations from cases and the configuration, and find the phase of each; pure."""
