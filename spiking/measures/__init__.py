"""What is read from spikes: selection, rhythm, synchrony."""
