"""One script per simulator, each run by the Python of an environment of its own (`make bench-peers`)."""
