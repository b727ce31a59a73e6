"""From a rotation's next steps to text edits and unified diffs: one phase a file of this folder."""
