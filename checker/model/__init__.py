"""What tfcert talks about: stages, certificates, plans, findings and rotations, as frozen values of the standard library."""
