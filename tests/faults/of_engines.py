"""Clocks, proposals, turns, noise and lists of spikes of the engines."""

from __future__ import annotations

from tests.faults import Fault

__all__ = ["OF_ENGINES"]

OF_ENGINES: tuple[Fault, ...] = (
    Fault(
        "the row's clock runs 5 % fast",
        "spiking/engines/events/thinned.py",
        'f"clock_{g} += {moved}"',
        'f"clock_{g} += 1.05 * {moved}"',
        "one_law::thinning_follows_the_law_of_stepped_cells",
    ),
    Fault(
        "every proposal is accepted",
        "spiking/engines/events/thinning.py",
        "fires = chance[n] < exp32(-past)",
        "fires = chance[n] < exp32(-0 * past)",
        "one_law::thinning_follows_the_law_of_stepped_cells",
    ),
    Fault(
        "a trace is forgotten at the next spike",
        "spiking/engines/events/thinning.py",
        "    if fires:\n        stamp[i], trace[i] = now, past * decay + reset_by + _TINY",
        "    if fires:\n        stamp[i], trace[i] = now, reset_by + _TINY",
        "one_law::thinning_follows_the_law_of_stepped_cells",
    ),
    Fault(
        "a trace does not decay",
        "spiking/engines/events/thinning.py",
        "powers[n] = decay ** (n - 1)",
        "powers[n] = decay ** 0",
        "one_law::thinning_follows_the_law_of_stepped_cells",
    ),
    Fault(
        "a cell may fire twice in a step",
        "spiking/engines/events/thinning.py",
        "powers[0] = _NEVER",
        "powers[0] = 0.0",
        "events_engine::a_cell_fires_once_a_step_however_many_proposals_there_are",
    ),
    Fault(
        "proposals fall to the key after",
        "spiking/engines/events/thinning.py",
        "cell[n] = j * unit + int(_uniform40(second) * unit)",
        "cell[n] = min(j + 1, n_keys - 1) * unit + int(_uniform40(second) * unit)",
        "one_law::thinning_follows_the_law_of_stepped_cells",
    ),
    Fault(
        "waiting times are uniform",
        "spiking/engines/events/thinning.py",
        "due[n] = np.float64(-log32(_uniform24(first))) / rate",
        "due[n] = 2.0 * np.float64(_uniform24(first)) / rate",
        "one_law::thinning_follows_the_law_of_stepped_cells",
    ),
    Fault(
        "crowded cells are asked with half their chance",
        "spiking/engines/events/thinning.py",
        "< -math.expm1(-hazard)",
        "< -math.expm1(-0.5 * hazard)",
        "one_law::thinning_follows_the_law_of_stepped_cells",
    ),
    Fault(
        "in closed form a train fires in reverse turn",
        "spiking/engines/events/renewal.py",
        "(near[k] + 1) * most - 1 - m % most",
        "near[k] * most + m % most",
        "events_engine::regular_cells_spike_as_the_fused_engine_steps_them",
    ),
    Fault(
        "in closed form trains are counted a spike short",
        "spiking/engines/events/renewal.py",
        "number[k] = floor(fma(clock, rate[k], phase[k]))",
        "number[k] = floor(fma(clock, rate[k], phase[k]) - 1)",
        "events_engine::regular_cells_spike_as_the_fused_engine_steps_them events_engine",
    ),
    Fault(
        "keys share one phase",
        "spiking/engines/events/renewal.py",
        "_PHASES + (site << 20) + j))",
        "_PHASES + (site << 20)))",
        "events_engine::regular_cells_spike_as_the_fused_engine_steps_them",
    ),
    Fault(
        "phases come from the counters of the steps",
        "spiking/engines/events/renewal.py",
        "_PHASES = 2**62",
        "_PHASES = 2**61",
        "events_engine::regular_cells_spike_as_the_fused_engine_steps_them",
    ),
    Fault(
        "a row's clock is read against the wrong weight",
        "spiking/engines/events/intensity.py",
        "held = by_input / (1 - decay)",
        "held = by_input / (1 + decay)",
        "one_law::thinning_follows_the_law_of_stepped_cells",
    ),
    Fault(
        "the hash of the noise lacks its last shift",
        "spiking/engines/fused/random.py",
        "    return z ^ (z >> _S31)",
        "    return z",
        "fused::random_bits_are_those_of_splitmix64",
    ),
    Fault(
        "rows share their noise",
        "spiking/engines/fused/random.py",
        "_u64(row) + _u64(1))",
        "_u64(1))",
        "spike_budget::streams_are_independent_and_equal_streams_share_their_noise",
    ),
    Fault(
        "the normal's radius lacks its two",
        "spiking/engines/fused/random.py",
        "_MINUS2 = _f32(2 * math.pi), _f32(-2)",
        "_MINUS2 = _f32(2 * math.pi), _f32(-1)",
        "fused::random_numbers_follow_their_law",
    ),
    Fault(
        "starts draw from the counters of the steps",
        "spiking/engines/fused/random.py",
        "uniform64(key, _BEFORE + (site << 20) + i)",
        "uniform64(key, (site << 20) + i)",
        "start::shared_draws_are_numbers_of_the_rows_stream start",
    ),
    Fault(
        "the exponential's reduction is off in its low part",
        "spiking/engines/fused/exp.py",
        "_LN2_LOW32 = _f32(math.log(2) - 355 / 512)",
        "_LN2_LOW32 = _f32(0.0)",
        "fused::exp_keeps_its_stated_error_over_its_range",
    ),
    Fault(
        "delays are rounded down",
        "spiking/engines/fused/synapses.py",
        "int(delays[0] / self.dt + 0.5)",
        "int(delays[0] / self.dt)",
        "fused_features fused_equals_brian2",
    ),
    Fault(
        "spikes of the settling time are recorded",
        "spiking/engines/fused/steps.py",
        '"if step64 >= n_settle:"',
        '"if step64 >= 0:"',
        "fused::counts_alone_are_the_counts_of_the_spikes fused",
    ),
    Fault(
        "a refractory cell is free at once",
        "spiking/engines/fused/steps.py",
        '[i] = False")',
        '[i] = True")',
        "fused_features",
    ),
    Fault(
        "times of spikes keep the settling time",
        "spiking/spike_lists.py",
        "(events[r, i, 0] - n_settle) * dt_ms",
        "events[r, i, 0] * dt_ms",
        "fused::spikes_come_in_order_of_time_and_inside_the_window",
    ),
)
