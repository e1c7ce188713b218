"""The loop that looks, decides, does and looks again, over ports that are handed in."""
