: the synaptic sums of a row; E spikes arrive with weight 1, I spikes with a negative one
NEURON {
    POINT_PROCESS GammaRow
    RANGE exc, exc_in, inh
    GLOBAL tau_rise, tau_ampa, tau_gaba
    THREADSAFE
}
PARAMETER {
    tau_rise = 0.5
    tau_ampa = 1
    tau_gaba = 8
}
ASSIGNED {
    dt
    exc
    exc_in
    inh
}
INITIAL {
    exc = 0
    exc_in = 0
    inh = 0
}
BREAKPOINT {
    SOLVE advance METHOD after_cvode
}
PROCEDURE advance() {
    LOCAL rise, ampa
    rise = exp(-dt / tau_rise)
    ampa = exp(-dt / tau_ampa)
    exc = rise * exc + tau_ampa / (tau_ampa - tau_rise) * (ampa - rise) * exc_in
    exc_in = ampa * exc_in
    inh = exp(-dt / tau_gaba) * inh
}
NET_RECEIVE(weight) {
    if (weight > 0) {
        exc_in = exc_in + weight
    } else {
        inh = inh - weight
    }
}
