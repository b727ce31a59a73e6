"""Post a report as a comment on a pull request and keep that one comment current."""
