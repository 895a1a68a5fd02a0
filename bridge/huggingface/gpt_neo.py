"""GPT-Neo (Black et al. 2021): every other layer sees the last tokens only, and no score is scaled."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from torch import Tensor

from bridge.huggingface.adapters import Attend, LayerAdapter
from bridge.huggingface.options import NAME

__all__ = ["GPTNeo"]


class GPTNeo(LayerAdapter):
    """The causal mask, of all tokens or of the last `window_size`, is a buffer of the layer."""

    layer = "transformers.models.gpt_neo.modeling_gpt_neo:GPTNeoSelfAttention"

    def prepare(self, file: ModuleType) -> None:
        """Its layers look their class up by the implementation's name."""
        file.GPT_NEO_ATTENTION_CLASSES.setdefault(NAME, file.GPTNeoSelfAttention)

    def forward(
        self,
        module: Any,
        attend: Attend,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        layer_past: Any = None,
        **_: Any,
    ) -> tuple[Tensor, Tensor]:
        """Attend to the keys in the window, those of the cache included."""
        sizes = (module.num_heads, module.head_dim)
        q, k, v = (
            project(hidden_states).unflatten(-1, sizes).transpose(1, 2)  # (B, H, T, dim)
            for project in (module.q_proj, module.k_proj, module.v_proj)
        )
        if layer_past is not None:
            k, v = layer_past.update(k, v, module.layer_id)
        n_keys = k.shape[2]
        window = module.bias[:, :, n_keys - q.shape[2] : n_keys, :n_keys]
        options: dict[str, Any] = {"scaling": 1.0, "window": window, "dropout": module.attn_dropout.p}
        output, weights = attend(q, k, v, attention_mask, **options)
        return module.resid_dropout(module.out_proj(output.flatten(2))), weights
