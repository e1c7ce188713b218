"""The pure heart: what is wished for, and what to do next. Imports no SDK, reads no clock, logs nothing."""
