: I cell: leaky integrate-and-fire, refractory; advances before its row does
NEURON {
    POINT_PROCESS GammaFast
    POINTER exc
    RANGE vm, wait, fires, v_th, n
    GLOBAL tau, w, refractory
    RANDOM draw
    THREADSAFE
}
PARAMETER {
    tau = 2
    w = 4
    refractory = 30
    v_th = 1
}
ASSIGNED {
    dt
    exc
    vm
    wait
    fires
    n
}
INITIAL {
    wait = 0
    fires = 0
    n = 0
    vm = random_uniform(draw, 0, 0.5)
}
BREAKPOINT {
    SOLVE advance METHOD after_cvode
}
PROCEDURE advance() {
    fires = 0
    wait = wait - 1
    if (wait <= 0) {
        vm = w * exc + (vm - w * exc) * exp(-dt / tau)
        if (vm > v_th) {
            fires = 1
            n = n + 1
            vm = 0
            wait = refractory
        }
    }
}
