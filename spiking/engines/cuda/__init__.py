"""Rows on an NVIDIA GPU: the processor's own kernels, translated, one row a thread."""
