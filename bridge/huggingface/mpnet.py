"""MPNet (Song et al. 2020): a bias of the scores by relative position, the same in all layers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from bridge.huggingface.adapters import Attend, LayerAdapter

__all__ = ["MPNet"]


class MPNet(LayerAdapter):
    """The encoder computes the bias once and hands it to each layer."""

    layer = "transformers.models.mpnet.modeling_mpnet:MPNetSelfAttention"

    def forward(
        self,
        module: Any,
        attend: Attend,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_bias: Tensor | None = None,
        output_attentions: bool = False,
        **_: Any,
    ) -> tuple[Tensor, ...]:
        """Attend with the bias added to scores that are divided by sqrt(dim)."""
        sizes = (module.num_attention_heads, module.attention_head_size)
        q, k, v = (
            project(hidden_states).unflatten(-1, sizes).transpose(1, 2)  # (B, H, T, dim)
            for project in (module.q, module.k, module.v)
        )
        output, weights = attend(
            q, k, v, attention_mask, position_bias=position_bias, dropout=module.dropout.p
        )
        output = module.o(output.flatten(2))
        return (output, weights) if output_attentions else (output,)
