"""A local SLB, ESS and FC that speak the real protocols. For developers; never ships."""
