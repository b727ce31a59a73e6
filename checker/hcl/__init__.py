"""The only part that knows HCL: where things are in .tf files, how text is spliced, and the proof of an edit."""
