"""Write the text edits and unified diffs of a rotation's phases: one module for each phase."""
