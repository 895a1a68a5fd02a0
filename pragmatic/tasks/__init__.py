"""Tasks and texts that the mini-transformer learns."""
