"""Call backends for `tfcert probe` and `--probe`, and read `--probe-report`."""
