"""Random schedules against the function in real processes, over HTTP; judged by what the local cloud saw."""
