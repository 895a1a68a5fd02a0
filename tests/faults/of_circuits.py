"""Signs, gains, delays and starts of cells and circuits; relative scores; budgets."""

from __future__ import annotations

from tests.faults import Fault

__all__ = ["OF_CIRCUITS"]

OF_CIRCUITS: tuple[Fault, ...] = (
    Fault(
        "E to I loses its sign",
        "spiking/circuits/gamma.py",
        "dv/dt = (w_ei * exc - v) / tau_i",
        "dv/dt = (-w_ei * exc - v) / tau_i",
        "gamma::gamma_rhythm_and_its_absence_without_the_loop",
    ),
    Fault(
        "inhibition is not shared out over the I cells",
        "spiking/params.py",
        '"w_ie": self.inhibition / self.n_inh',
        '"w_ie": self.inhibition / 10',
        "gamma::the_pool_of_i_cells_is_what_its_parameters_say",
    ),
    Fault(
        "the delay is a step too long",
        "spiking/params.py",
        "return self.delay_ms - self.dt_ms",
        "return self.delay_ms",
        "gamma circuit_contract",
    ),
    Fault(
        "GABA decays with the time constant of the AMPA current",
        "spiking/circuits/gamma.py",
        "dinh/dt = -inh / tau_gaba",
        "dinh/dt = -inh / tau_ampa",
        "gamma",
    ),
    Fault(
        "I cells are not refractory",
        "spiking/circuits/gamma.py",
        "refractory=params.refractory_ms * b2.ms",
        "refractory=0 * b2.ms",
        "gamma circuit_contract",
    ),
    Fault(
        "thresholds of I cells lie on one side",
        "spiking/circuits/gamma.py",
        "inh.v_th = 1 + params.inh_spread * spread",
        "inh.v_th = 1 + params.inh_spread * (spread + 1)",
        "gamma::the_pool_of_i_cells_is_what_its_parameters_say",
    ),
    Fault(
        "the temperature multiplies",
        "spiking/circuits/gamma.py",
        "return effective_gain(params) / params.temperature, params.feedforward",
        "return effective_gain(params) * params.temperature, params.feedforward",
        "regular calibration",
    ),
    Fault(
        "the stored gain is left out",
        "spiking/circuits/gamma.py",
        "return effective_gain(params) / params.temperature, params.feedforward",
        "return 1.0 / params.temperature, params.feedforward",
        "calibration",
    ),
    Fault(
        "an escape cell forgets no input at a spike",
        "spiking/cells/escape.py",
        "v -= reset_by\n",
        "v -= 0 * reset_by\n",
        "depletion::the_law_follows_from_the_circuits_parameters events_engine brief",
    ),
    Fault(
        "the hazard is not forgotten at a spike",
        "spiking/cells/escape.py",
        "        h = 0\n",
        "        h -= 0\n",
        "events_engine gamma",
    ),
    Fault(
        "noise of the diffusive cell lacks its root of two",
        "spiking/cells/diffusive.py",
        "sigma * sqrt(2 / tau_e) * xi",
        "sigma * sqrt(1 / tau_e) * xi",
        "gamma::noise_moves_a_free_membrane_by_sigma",
    ),
    Fault(
        "regular cells lose what is over the threshold",
        "spiking/cells/regular.py",
        'return "h -= q"',
        'return "h = 0"',
        "regular",
    ),
    Fault(
        "the draw of a new threshold is not divided by its shape",
        "spiking/cells/regular.py",
        'f"q = -log(q) / {self.shape:g}"',
        '"q = -log(q)"',
        "regular::intervals_are_as_variable_as_the_shape_says regular",
    ),
    Fault(
        "thresholds begin unbiased by length",
        "spiking/cells/regular.py",
        '["rand()"] * (int(self.shape) + 1)',
        '["rand()"] * int(self.shape)',
        "regular::finite_shapes_begin_in_equilibrium",
    ),
    Fault(
        "jitter counts in cycles and not in spacings",
        "spiking/cells/regular.py",
        "{self.jitter} * randn() / n_cells) % 1",
        "{self.jitter} * randn()) % 1",
        "regular::jitter_counts_in_spacings_of_a_keys_cells",
    ),
    Fault(
        "unequal rates have a mean above one",
        "spiking/cells/regular.py",
        "{self.rate_spread} * randn() - {self.rate_spread**2 / 2}",
        "{self.rate_spread} * randn()",
        "regular::unequal_rates_have_a_mean_of_one",
    ),
    Fault(
        "scores are taken relative to the lowest",
        "spiking/relative.py",
        "if takes_part[j] and row[j] > highest:",
        "if takes_part[j] and row[j] < highest:",
        "relative",
    ),
    Fault(
        "the mean of a row counts masked keys",
        "spiking/relative.py",
        "base /= n_keys - absent",
        "base /= n_keys",
        "relative",
    ),
    Fault(
        "masked keys hold a score",
        "spiking/relative.py",
        "result[j] if takes_part[j] else result.dtype.type(0)",
        "result[j]",
        "relative",
    ),
    Fault(
        "a row takes one spike more than its budget",
        "spiking/engines/fused/run.py",
        "return NO_LIMIT if self.wanted.budget.spikes is None else self.wanted.budget.spikes",
        "return NO_LIMIT if self.wanted.budget.spikes is None else self.wanted.budget.spikes + 1",
        "spike_budget::a_row_ends_with_the_step_of_its_last_spike",
    ),
)
