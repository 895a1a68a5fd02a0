"""Spiking attention against softmax attention, each metric with its sampling floor."""
