"""Networks in the Neuromorphic Intermediate Representation (NIR): in, out, and the exact solution they are held to.

NIR (Pedersen et al. 2024, Nature Communications 15:8122) describes a network by differential equations in
continuous time: https://neuroir.org. Its times are in seconds.
"""

from __future__ import annotations

from spiking.exchange.from_nir import from_nir
from spiking.exchange.lif_exact import lif_exact
from spiking.exchange.to_nir import to_nir

__all__ = ["from_nir", "lif_exact", "to_nir"]
