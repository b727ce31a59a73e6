"""Where a report is posted: the comments of a pull request, of which one is ours and stays current."""
