"""Documents in, values out: what states, plans and policies say, whoever wrote them and however badly."""
