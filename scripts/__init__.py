"""What developers and operators run beside the function; never ships."""
