"""Read states, plans and configurations into values; check them strictly."""
