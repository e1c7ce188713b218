"""What is to be changed: desired state, pairs, placement, capacity and guards."""
