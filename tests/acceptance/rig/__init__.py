"""The tools of the acceptance tests: terraform, its provider, a folder against the emulator, and
tfcert.
"""
