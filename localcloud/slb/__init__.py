"""Classic Load Balancer 2014-05-15."""
