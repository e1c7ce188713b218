"""The values that everything else is said in."""
