"""The pure core: what is wanted, and what to do next. It imports no SDK, reads no clock and logs nothing."""
