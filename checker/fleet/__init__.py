"""Read every state below folders and prefixes of buckets, in one run.

`sources` names what a user gave, `listing` streams the objects below it, `selection` decides by
name what is a state, `read` turns the bytes of one object into what is kept of it, `workers` spread
this over threads and processes, and `collect` puts the results together.
"""
