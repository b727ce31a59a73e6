"""What a terminal can do that a pipe cannot: colours, links, a pager."""
