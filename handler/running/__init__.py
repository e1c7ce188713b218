"""The loop that looks, decides, acts and looks again, over ports that are handed in."""
