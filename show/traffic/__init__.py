"""Real requests through HAProxy, in the place of the load balancer, while servers are replaced."""
