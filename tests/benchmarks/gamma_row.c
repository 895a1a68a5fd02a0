/* The gamma circuit by hand: the limit that the fused engine is measured against.
 *
 * One row after the other, float32, one thread. The equations are those of spiking/gamma.py with
 * EscapeRate cells; compiled with -O3 -ffast-math -march=native, expf becomes SIMD. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t n_rows, n_keys, n_cells, n_inh, n_steps, delay, refractory, seed;
    double dt, tau_e, drive, theta, rho_0, reset_by;
    double tau_i, tau_rise, tau_ampa, tau_gaba, w_ei, w_ie, inh_spread;
} Circuit;

static uint64_t next(uint64_t *state) { /* SplitMix64 */
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state) { return ((double)(next(state) >> 11) + 0.5) * 0x1p-53; }

typedef struct {
    float *v, *h, *q, *u;
    float *v_inh, *v_th;
    int32_t *wait; /* steps until an I cell may fire again */
    int32_t *exc_ring, *inh_ring;
} State;

static void start(const Circuit *p, const double *score_input, State *s, uint64_t *random) {
    for (int64_t i = 0; i < p->n_keys * p->n_cells; i++) {
        s->u[i] = (float)score_input[i / p->n_cells];
        s->v[i] = (float)(uniform(random) * p->theta / 2);
        s->h[i] = 0;
        s->q[i] = (float)-log(uniform(random));
    }
    for (int64_t i = 0; i < p->n_inh; i++) {
        s->v_inh[i] = (float)(uniform(random) / 2);
        s->v_th[i] = (float)(1 + p->inh_spread * (p->n_inh > 1 ? 2.0 * i / (p->n_inh - 1) - 1 : 0));
        s->wait[i] = 0;
    }
    memset(s->exc_ring, 0, (p->delay + 1) * sizeof(int32_t));
    memset(s->inh_ring, 0, (p->delay + 1) * sizeof(int32_t));
}

static void row(const Circuit *p, State *s, int64_t *counts, int64_t *inh_count, uint64_t *random) {
    const int64_t n = p->n_keys * p->n_cells, n_inh = p->n_inh;
    float *restrict v = s->v, *restrict h = s->h, *restrict q = s->q, *restrict u = s->u;
    const float a = (float)(p->dt / p->tau_e), rate = (float)(p->dt * p->rho_0), theta = (float)p->theta;
    const float decay_i = (float)exp(-p->dt / p->tau_i), w_ei = (float)p->w_ei;
    const float rise = (float)exp(-p->dt / p->tau_rise), ampa = (float)exp(-p->dt / p->tau_ampa);
    const float mix = (float)(p->tau_ampa / (p->tau_ampa - p->tau_rise)) * (ampa - rise);
    const float gaba = (float)exp(-p->dt / p->tau_gaba);
    float exc = 0, exc_in = 0, inh = 0;
    int64_t slot = 0;
    for (int64_t t = 0; t < p->n_steps; t++) {
        const float input = (float)p->drive - inh;
        int any = 0, exc_spikes = 0, inh_spikes = 0;
        for (int64_t i = 0; i < n; i++) {
            h[i] += rate * expf(v[i] - theta);
            v[i] += a * (input + u[i] - v[i]);
            any |= h[i] > q[i];
        }
        for (int64_t i = 0; i < n_inh; i++) {
            const int ready = s->wait[i] <= 0;
            const float next_v = w_ei * exc + (s->v_inh[i] - w_ei * exc) * decay_i;
            const int fires = ready & (next_v > s->v_th[i]);
            s->v_inh[i] = fires ? 0 : ready ? next_v : s->v_inh[i];
            s->wait[i] = fires ? (int32_t)p->refractory - 1 : s->wait[i] - 1;
            inh_spikes += fires;
        }
        exc = exc * rise + exc_in * mix;
        exc_in *= ampa;
        inh *= gaba;
        if (any)
            for (int64_t i = 0; i < n; i++)
                if (h[i] > q[i]) {
                    exc_spikes++;
                    counts[i / p->n_cells]++;
                    v[i] -= (float)p->reset_by;
                    h[i] = 0;
                    q[i] = (float)-log(uniform(random));
                }
        *inh_count += inh_spikes;
        s->exc_ring[slot] = exc_spikes;
        s->inh_ring[slot] = inh_spikes;
        slot = slot < p->delay ? slot + 1 : 0;
        exc_in += (float)s->exc_ring[slot];
        inh += (float)(s->inh_ring[slot] * p->w_ie);
    }
}

/* counts (n_rows, n_keys) and inh_counts (n_rows,) begin at zero. */
void simulate(const Circuit *p, const double *score_input, int64_t *counts, int64_t *inh_counts) {
    const int64_t n = p->n_keys * p->n_cells;
    float *reals = malloc((4 * n + 2 * p->n_inh) * sizeof(float));
    int32_t *wholes = malloc((p->n_inh + 2 * (p->delay + 1)) * sizeof(int32_t));
    State s = {.v = reals, .h = reals + n, .q = reals + 2 * n, .u = reals + 3 * n,
               .v_inh = reals + 4 * n, .v_th = reals + 4 * n + p->n_inh, .wait = wholes,
               .exc_ring = wholes + p->n_inh, .inh_ring = wholes + p->n_inh + p->delay + 1};
    for (int64_t r = 0; r < p->n_rows; r++) {
        uint64_t random = (uint64_t)p->seed * 1000003ull + (uint64_t)r;
        random = next(&random);
        start(p, score_input + r * p->n_keys, &s, &random);
        row(p, &s, counts + r * p->n_keys, inh_counts + r, &random);
    }
    free(reals);
    free(wholes);
}
