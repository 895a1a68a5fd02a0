"""
Two heads of a real transformer
===============================

Queries and keys of a pretrained MiniLM on one sentence. Every row of its attention runs through the
circuit. The scenario's default is all 72 heads.
"""

from gallery_figures import run_in_small

figures = run_in_small(
    "minilm-heads", text="The cat sat on the mat because it was warm.", heads="0.0,3.5", duration_ms=200.0
)
