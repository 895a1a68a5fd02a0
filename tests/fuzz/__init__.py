"""Odd input over the command line and the public Python API, judged by stated rules: `make fuzz`."""
