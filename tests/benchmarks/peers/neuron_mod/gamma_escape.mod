: E cell: leaky integrator with an escape rate, drawn by integrated hazard; advances before its row does
NEURON {
    POINT_PROCESS GammaEscape
    POINTER inh
    RANGE vm, h, q, fires, input, v_start, n
    GLOBAL tau, theta, rho, reset_by
    RANDOM draw
    THREADSAFE
}
PARAMETER {
    tau = 10
    theta = 10
    rho = 1
    reset_by = 1
    input = 0
    v_start = 0
}
ASSIGNED {
    dt
    inh
    vm
    h
    q
    fires
    n
}
INITIAL {
    h = 0
    fires = 0
    n = 0
    vm = v_start
    q = random_negexp(draw, 1)
}
BREAKPOINT {
    SOLVE advance METHOD after_cvode
}
PROCEDURE advance() {
    fires = 0
    h = h + dt * rho * exp(vm - theta)
    vm = vm + dt / tau * (input - inh - vm)
    if (h > q) {
        fires = 1
        n = n + 1
        vm = vm - reset_by
        h = 0
        q = random_negexp(draw, 1)
    }
}
