"""A page on this machine: the local cloud's groups, live, and things to try on them."""
