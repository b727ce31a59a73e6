"""What happens to a PEM on its way through expressions, and the arguments that take only one."""
