"""Templates, and what they deploy."""
