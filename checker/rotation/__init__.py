"""From cases and the configuration to rotations and the phase that each is in; pure."""
