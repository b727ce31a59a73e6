"""Stages, certificates, plans, findings and rotations as frozen values."""
