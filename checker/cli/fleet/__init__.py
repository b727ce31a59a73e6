"""`--states`: what a user asked for, the reading, its progress, and the notice about it."""
