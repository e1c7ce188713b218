"""`make validate`: what is wrong with the templates, as far as it can be told without an account."""
