"""Machines of attention: constructed ones that compute exactly, and trained ones that halt or learn in context."""
