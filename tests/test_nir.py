"""Networks through NIR: the paper's exact solution, the round trip, both engines, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
import pytest

nir = pytest.importorskip("nir", reason="needs the extra `exchange`")

from nir_graphs import V_THRESHOLD, STEP_s, TAU_s, everything, one_lif, pulses  # noqa: E402

from scenarios.workbench.cli import main  # noqa: E402
from spiking import Brian2, Engine, Fused, GammaCircuit, Network, Recorded, Row, Spikes, simulate_circuit  # noqa: E402
from spiking.engines.brian2 import building  # noqa: E402
from spiking.exchange import from_nir, lif_exact, to_nir  # noqa: E402

DT_ms = 1e3 * STEP_s
REFERENCE = Brian2()


def ran(
    graph: Any,
    inputs: Any,
    duration_ms: float,
    engine: Engine = REFERENCE,
    spike_s: float = 1.0,
    **asked: Any,
) -> Recorded:
    return simulate_circuit(
        lambda rng: from_nir(graph, inputs, dt_ms=DT_ms, spike_s=spike_s),
        duration_ms=duration_ms,
        rng=np.random.default_rng(0),
        engine=engine,
        sample_ms=DT_ms,
        **asked,
    )


def test_the_oracle_is_that_of_the_paper() -> None:
    """Membranes of paper/01_lif/lif_exact.csv, which was made from parameters in single precision."""
    exact = lif_exact(pulses(), step_s=STEP_s, tau=TAU_s, v_threshold=V_THRESHOLD)
    published = {
        60: 0.03921056170668949,
        400: 0.059242445327139,
        460: 0.006226159232172348,
        510: 0.00409079171524593,
    }
    for step, v in published.items():
        assert exact.v[step] == pytest.approx(v, rel=2e-6)
    assert np.floor(exact.spike_s / STEP_s).astype(int).tolist() == [460, 510, 710, 760]


def test_the_oracle_fires_at_the_period_of_a_constant_current() -> None:
    """tau ln((R I - v_reset) / (R I - v_threshold)), in steps of any length."""
    period = 0.01 * np.log((3 + 0.5) / (3 - 1))
    for step_s in (1e-4, 0.1):
        current = np.full(round(0.1 / step_s), 1.5)
        exact = lif_exact(current, step_s=step_s, tau=0.01, r=2.0, v_reset=-0.5)
        np.testing.assert_allclose(np.diff(exact.spike_s), period, rtol=1e-9)


def test_a_cell_of_the_paper_spikes_in_the_steps_of_the_oracle() -> None:
    """It spikes at the end of the step in which it passes the threshold, and is exact up to its first spike."""
    exact = lif_exact(pulses(), step_s=STEP_s, tau=TAU_s, v_threshold=V_THRESHOLD)
    cell = ran(one_lif(), {"input": pulses()[:, None]}, 100.0, record=["node_1"], sample=["node_1.v"])
    late_ms = cell.spikes["node_1"].time_ms + DT_ms - 1e3 * exact.spike_s
    assert (late_ms >= 0).all()
    assert (late_ms < DT_ms).all()
    v = cell.samples["node_1.v"][0, 0, 1:]  # at the start of a step, which is the end of the one before
    np.testing.assert_allclose(v[:459], exact.v[:459], atol=1e-7)  # samples are kept in single precision


def equal(first: Any, second: Any) -> None:
    assert set(first.nodes) == set(second.nodes)
    assert sorted(first.edges) == sorted(second.edges)
    for name, node in first.nodes.items():
        assert type(node) is type(second.nodes[name])
        for field, value in vars(node).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(getattr(second.nodes[name], field), value, rtol=1e-14, atol=1e-15)


def test_a_graph_comes_back_equal_with_or_without_a_file(tmp_path: Path) -> None:
    graph = everything()
    equal(graph, to_nir(from_nir(graph)))
    equal(graph, to_nir(from_nir(graph, spike_s=0.001), spike_s=0.001))
    nir.write(tmp_path / "g.nir", graph)
    back = to_nir(from_nir(tmp_path / "g.nir"))
    nir.write(tmp_path / "h.nir", back)
    equal(graph, nir.read(tmp_path / "h.nir"))


def test_both_engines_run_layers_and_a_recurrence_alike() -> None:
    """The graph without what follows its second layer, so that little is compiled."""
    graph, current = everything(), np.random.default_rng(1).uniform(0, 3, (600, 3))
    for name in ("w_pure", "pure", "cubali", "w_i", "i", "pure_output", "i_output"):
        del graph.nodes[name]
    graph.edges = [edge for edge in graph.edges if set(edge) <= set(graph.nodes)]
    runs = [
        ran(graph, {"input": current}, 60.0, engine, spike_s=0.005, record=["lif", "cuba"], sample=["li.v"])
        for engine in (REFERENCE, Fused("float64"))
    ]
    for group in ("lif", "cuba"):
        a, b = (run.spikes[group] for run in runs)
        assert len(a.cell) > 3
        np.testing.assert_array_equal(a.cell, b.cell)
        np.testing.assert_allclose(a.time_ms, b.time_ms)
    np.testing.assert_allclose(runs[0].samples["li.v"], runs[1].samples["li.v"], rtol=1e-5, atol=1e-9)
    assert np.abs(runs[0].samples["li.v"]).max() > 0


def test_every_kind_of_cell_runs() -> None:
    """An integrator holds the difference of two filters; the one that fires does so at the first layer's spikes."""
    current = np.full((600, 3), 2.0)
    run = ran(
        everything(), {"input": current}, 60.0, spike_s=0.005, record=["pure"], sample=["i.v", "cubali.v"]
    )
    difference = run.samples["cubali.v"][0, 0] - run.samples["cubali.v"][0, 1]
    integral = np.concatenate([[0], np.cumsum(difference)[:-1]]) * STEP_s
    np.testing.assert_allclose(run.samples["i.v"][0, 0], integral, rtol=1e-4, atol=1e-9)
    assert run.counts["pure"][0] > 3


def test_a_spike_arrives_after_its_delay_as_an_impulse_of_its_area() -> None:
    """v jumps by w R area / tau and decays: 2 x 3 x 1 s / 0.01 s."""
    graph = nir.NIRGraph(
        nodes={
            "input": nir.Input(input_type={"input": np.array([2])}),
            "late": nir.Delay(delay=np.full(2, 0.002)),
            "w": nir.Linear(weight=np.array([[0.0, 2.0]])),
            "li": nir.LI(tau=np.array([0.01]), r=np.array([3.0]), v_leak=np.zeros(1)),
        },
        edges=[("input", "late"), ("late", "w"), ("w", "li")],
        type_check=False,
    )
    given = Spikes(row=np.zeros(2, int), cell=np.array([0, 1]), time_ms=np.array([1.0, 3.0]))
    v = ran(graph, {"input": given}, 10.0, sample=["li.v"]).samples["li.v"][0, 0]
    assert (v[:50] == 0).all()
    after = np.arange(len(v[51:])) * DT_ms
    np.testing.assert_allclose(v[51:] / v[51], np.exp(-after / 10), rtol=1e-4)
    assert v[51] == pytest.approx(600)


def test_the_inhibitory_loop_of_the_gamma_circuit_travels_when_asked_for() -> None:
    """Escape noise does not, and a refractory period only when it is knowingly left out."""
    wiring = GammaCircuit().build(Row(3, np.random.default_rng(0)))
    network = Network(wiring.objects, wiring.namespace)
    with pytest.raises(ValueError, match=r"NIR cannot express 'exc': its reset draws random numbers"):
        to_nir(network)
    with pytest.raises(
        ValueError, match=r"NIR cannot express 'inh': a refractory period of 3\. ms; leave it out"
    ):
        to_nir(network, only=["row", "inh"])
    graph = to_nir(network, only=["row", "inh"], drop=["refractory"])
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    assert kinds["inh"] == "LIF"
    assert [kinds[f"row_{x}"] for x in ("exc_in", "exc", "inh")] == ["LI"] * 3
    params = GammaCircuit().params
    assert graph.nodes["row_inh"].tau[0] == pytest.approx(params.tau_gaba_ms / 1e3)
    assert graph.nodes["row_exc_to_inh"].weight == pytest.approx(np.full((params.n_inh, 1), params.w_ei))
    # an I spike raises inh by w_ie; as an impulse of 1 s into tau dv/dt = ... that takes w_ie tau
    w_ie = params.inhibition / params.n_inh
    assert graph.nodes["inh_to_row"].weight == pytest.approx(
        np.full((1, params.n_inh), w_ie * params.tau_gaba_ms / 1e3)
    )
    from_nir(graph)


def cells(model: str = "dv/dt = (2 - v) / tau : 1", **changes: Any) -> Network:
    given = {"threshold": "v > 1", "reset": "v = 0", "method": "euler", **changes}
    return Network([b2.NeuronGroup(1, model, dt=0.1 * b2.ms, name="E", **given)], {"tau": 10 * b2.ms})


def test_a_group_of_brian2_is_a_lif_node_whose_constant_drive_is_its_leak() -> None:
    node = to_nir(cells()).nodes["E"]
    assert (float(node.tau[0]), float(node.v_leak[0]), float(node.v_threshold[0])) == pytest.approx(
        (0.01, 2, 1)
    )


def synapses(**changes: Any) -> Network:
    """A cell that excites itself."""
    (group,) = cells().objects
    made = b2.Synapses(group, group, **{"model": "w : 1", "on_pre": "v += w", **changes}, name="S")
    with building():
        made.connect()
    return Network([group, made], {"tau": 10 * b2.ms})


def noisy() -> Network:
    (group,) = cells().objects
    return Network([group, b2.PoissonInput(group, "v", 5, 10 * b2.Hz, weight=0.1)], {"tau": 10 * b2.ms})


def linked() -> Network:
    """A cell that reads another's membrane."""
    (source,) = cells(threshold=None, reset=None).objects
    reader = b2.NeuronGroup(1, "dv/dt = (u - v) / tau : 1\nu : 1 (linked)", dt=0.1 * b2.ms, name="reader")
    reader.u = b2.linked_var(source, "v")
    return Network([source, reader], {"tau": 10 * b2.ms})


def test_a_group_that_is_read_must_be_written() -> None:
    assert ("E", "reader") in to_nir(linked()).edges
    with pytest.raises(ValueError, match="NIR cannot express 'E': cells that are written read its state"):
        to_nir(linked(), only=["reader"])


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (synapses(on_post="w += 1"), r"'S': spikes of the target act on it"),
        (synapses(on_pre="v = w"), r"'S': on_pre does 'v = w'"),
        (synapses(on_pre="v += w * rand()"), r"'S': a synapse draws random numbers"),
        (synapses(model="dw/dt = -w / tau : 1 (clock-driven)"), r"'S': a synapse with a state, w"),
        (noisy(), r"it has no node for a PoissonInput"),
        (cells("dv/dt = (2 - v**2) / tau : 1"), r"'E': dv/dt is not linear"),
        (cells("dv/dt = (2 - v) / tau + xi / tau**0.5 : 1"), r"'E': its equations draws random numbers"),
        (cells(threshold="rand() < v"), r"'E': its threshold draws random numbers"),
        (cells(reset="v -= 1"), r"'E': the reset 'v -= 1'; NIR sets v to a value"),
        (cells(refractory=2 * b2.ms), r"'E': a refractory period"),
        (cells("dv/dt = (2 + v) / tau : 1"), r"'E': v grows by itself"),
        (cells("dv/dt = (2 - v) / other : 1"), r"'E': dv/dt reads other, which is no constant"),
        (3, r"network must be a Network, got 3"),
    ],
)
def test_what_nir_cannot_express_is_refused_by_name_and_rule(network: Any, says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says) as refused:
        to_nir(network)
    assert "\n" not in str(refused.value)


def convolution() -> Any:
    return nir.Conv1d(
        input_shape=4, weight=np.ones((1, 1, 2)), stride=1, padding=0, dilation=1, groups=1, bias=np.zeros(1)
    )


def test_graphs_and_inputs_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    odd = nir.NIRGraph(nodes={"conv": convolution()}, edges=[], type_check=False)
    (tmp_path / "damaged.nir").write_text("spikes")
    spikes = Spikes(row=np.zeros(1, int), cell=np.array([4]), time_ms=np.ones(1))
    for graph, inputs, says in (
        (odd, None, r"node 'conv' must be one of Input, Output, LI, .*; got Conv1d"),
        (one_lif(), {"in": np.ones((3, 1))}, r"named as the graph's Input nodes, input; got 'in'"),
        (
            one_lif(),
            {"input": np.ones(3)},
            r"inputs\['input'\] must be finite currents of shape \(n_steps, 1\)",
        ),
        (one_lif(), {"input": spikes}, r"inputs\['input'\] must be spikes of channels < 1, got 4"),
        (tmp_path / "gone.nir", None, "must be a NIR file that is there"),
        (tmp_path / "damaged.nir", None, "graph must be a NIR file"),
        (7, None, r"graph must be a nir\.NIRGraph or a file, got 7"),
    ):
        with pytest.raises((ValueError, TypeError), match=says):
            from_nir(graph, inputs)  # type: ignore[arg-type]


def test_a_graph_and_a_circuit_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    nir.write("cell.nir", one_lif())
    np.savez("pulses.npz", input=pulses()[:, None])
    words = ["--inputs", "pulses.npz", "--duration-ms", "100", "--to", "csv"]
    assert main(["export", "cell.nir", *words]) == 0
    assert capsys.readouterr().out == "4 spikes: cell.csv\n"
    assert [line.split(",")[-1] for line in Path("cell.csv").read_text().split()[1:]] == [
        "46.0",
        "51.0",
        "71.0",
        "76.0",
    ]
    loop = ["--only", "row,inh", "--drop", "refractory", "--out", "loop.nir"]
    assert main(["export", "brief", "--to", "nir", *loop]) == 0
    assert capsys.readouterr().out == f"{len(nir.read('loop.nir').nodes)} nodes: loop.nir\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("brief --to nir", "NIR cannot express 'exc': its reset draws random numbers"),
        ("brief --to nir --only row,soma", "group to write must be one of exc, inh, row; got 'soma'"),
        (
            "brief --to nir --only row,inh --drop noise",
            "feature to drop must be one of refractory; got 'noise'",
        ),
        ("nothing --to nir", "circuit 'nothing': cannot import nothing"),
        ("odd.nir --to csv", "node 'step' must be one of Input, Output, LI, LIF"),
        ("silent.nir --to csv", "graph must have cells that spike, got none in silent.nir"),
        ("cell.nir --to nwb", "source must be a run for --to nwb"),
        ("cell.nir --to csv --inputs cell.nir", "inputs must be an .npz file"),
        ("gone.nir --to csv", "graph must be a NIR file that is there, got gone.nir"),
    ],
)
def test_the_command_line_refuses_in_one_line(
    words: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    nir.write("cell.nir", one_lif())
    ends = {"input": nir.Input(input_type={"input": np.array([1])})}
    leaky = nir.LI(tau=np.ones(1), r=np.ones(1), v_leak=np.ones(1))
    nir.write(
        "silent.nir", nir.NIRGraph(nodes={**ends, "li": leaky}, edges=[("input", "li")], type_check=False)
    )
    step = nir.Threshold(threshold=np.ones(1))
    nir.write("odd.nir", nir.NIRGraph(nodes={**ends, "step": step}, edges=[("input", "step")]))
    assert main(["export", *words.split()]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
