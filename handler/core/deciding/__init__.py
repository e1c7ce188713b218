"""What to do next, look by look, until a run ends."""
