"""The values that all else is built on."""
