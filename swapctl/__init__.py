"""The operator's command ``slb-swap``, on the same code as the function. Never ships with it."""
