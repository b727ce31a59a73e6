"""Find the edits that make Terraform send a new PEM: a version, a trigger, an object's version."""
