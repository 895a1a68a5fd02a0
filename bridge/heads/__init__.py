"""Circuits as score maps and heads, and the gradient through their spikes."""
