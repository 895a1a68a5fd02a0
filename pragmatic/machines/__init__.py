"""Transformers whose weights are constructed, not trained: arithmetic, programs, a universal machine."""
