"""What runs a circuit: Brian2 itself, and the fused engine."""
