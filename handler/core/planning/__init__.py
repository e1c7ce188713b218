"""What has to change: desired state, pairs, placement, capacity and guards."""
