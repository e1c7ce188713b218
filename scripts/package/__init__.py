"""`make package`: what is deployed, as one zip for one of Function Compute's Python runtimes.

The root of the zip is /code. What the function imports lies beside it, compiled for the runtime, since /code
is read-only there. The same commit gives the same bytes.
"""
