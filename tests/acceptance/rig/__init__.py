"""What the acceptance tests work with: the real tools, their provider, a folder against an emulator, tfcert as a person types it."""
