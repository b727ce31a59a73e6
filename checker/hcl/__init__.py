"""Parse .tf files, splice text and prove edits; no other package knows HCL."""
