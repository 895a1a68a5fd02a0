"""The law that spike counts follow: families, likelihood, fit, calibration."""
