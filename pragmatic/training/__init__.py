"""Training and evaluation of the mini-transformer."""
