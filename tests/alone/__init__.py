"""`make try-package`: the package, alone in an empty folder, meets every delivery of events/."""
