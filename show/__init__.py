"""What shows a person the function at work. Never ships."""
