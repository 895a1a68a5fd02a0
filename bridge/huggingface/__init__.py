"""Gamma attention in Hugging Face models: after this import, "gamma" is one of their attention implementations.

    from bridge.huggingface import configure, load
    configure(model, heads="0.1,3.*", spikes=32, seed=0)
    model.save_pretrained(path)
    model = load(path)

`AutoModel.from_pretrained(path, attn_implementation="gamma")` and `model.set_attn_implementation("gamma")` do the
same from the options in the model's configuration, `gamma_heads`, `gamma_spikes` and the others of
`bridge.huggingface.options`. `swap_heads` puts any `pragmatic.Head` in for as long as a block lasts.

`record` keeps the spikes of a block: `with record(model) as spikes: model.generate(...)`.

Everything about one model is kept on that model, in its `GammaModel`. What the import changes for the process is
listed, each with its reason, in `bridge.huggingface.library`: two registrations, two wrapped methods, and the
names of the options. Models without gamma attention run as before.

An architecture that ignores the library's attention interface is refused, unless a `LayerAdapter` teaches it;
GPT-Neo and MPNet are taught here.

With a `gamma_seed` the random numbers of a row follow from the seed, its layer, head, sequence in the batch and
position, and its scores are rounded to 2^-12. So a forward pass can be repeated, and decoding with a cache and
without one almost always selects the same: their scores differ in the last digits, and where one lies that close
to an edge of the grid a spike may move. In single precision 1 of 100 runs of 12 tokens differed, in a model in
double precision none (`pytest -m slow -s tests/test_generate_study.py`). Beam search moves sequences in the
batch, and with them their noise.

The same noise in every call is wrong for statistics over calls: for these take `gamma_seed` None, or
`swap_heads`, which draws new noise in every call unless it is `keyed`.
"""

from bridge.huggingface.adapters import Attend, LayerAdapter, teach
from bridge.huggingface.blocks import swap_heads
from bridge.huggingface.configure import configure, load
from bridge.huggingface.gpt_neo import GPTNeo
from bridge.huggingface.library import change_library
from bridge.huggingface.model import plan_of
from bridge.huggingface.mpnet import MPNet
from bridge.huggingface.options import NAME, GammaOptions
from bridge.huggingface.plan import Plan
from bridge.huggingface.recording import RecordedRow, Recording, record

__all__ = [
    "NAME",
    "Attend",
    "GammaOptions",
    "LayerAdapter",
    "Plan",
    "RecordedRow",
    "Recording",
    "configure",
    "load",
    "plan_of",
    "record",
    "swap_heads",
    "teach",
]

change_library()
teach(GPTNeo())
teach(MPNet())
