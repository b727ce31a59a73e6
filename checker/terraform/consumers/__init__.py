"""Read what a state or plan records of the consumers of a PEM: fingerprints, never the values."""
