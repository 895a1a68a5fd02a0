"""Circuits: cells and synapses that make rows of attention."""
