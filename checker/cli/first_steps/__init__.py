"""The first hour: `tfcert init` writes the first files, `tfcert doctor` says what is missing."""
