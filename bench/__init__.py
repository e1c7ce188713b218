"""What the function costs, as ratios within one run. Nothing here is asserted."""
