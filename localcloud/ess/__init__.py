"""Auto Scaling 2014-08-28, and what its scaling groups do by themselves."""
