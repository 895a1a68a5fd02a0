/* The gamma circuit by hand: the limit that the fused engine is measured against.
 *
 * One row after the other, float32, one thread. The equations are those of spiking/circuits/gamma.py with EscapeRate
 * cells, rewritten as one would for speed and for this circuit alone:
 * - voltages are kept as (v - theta + log(dt rho_0)) / ln 2, so that a step's hazard is 2 to that power;
 * - a cell keeps the hazard it has left until its next spike (q - h): one array instead of two;
 * - 2^x is written out: expf as SIMD is a call into libmvec, which costs more than the arithmetic;
 * - cells come in whole vectors, the last one filled up with cells that cannot spike. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, LINE = 64 }; /* floats in the widest vector; bytes it takes */

typedef struct {
    int64_t n_rows, n_keys, n_cells, n_inh, n_steps, delay, refractory, seed;
    double dt, tau_e, drive, theta, rho_0, reset_by;
    double tau_i, tau_rise, tau_ampa, tau_gaba, w_ei, w_ie, inh_spread;
} Circuit;

typedef struct {
    float *v, *left, *u; /* E: scaled voltage, hazard left, input of a step */
    float *v_inh, *v_th;
    int32_t *wait; /* steps until an I cell may fire again */
    int32_t *ring; /* (delay + 1, 2): E and I spikes under way */
} State;

static uint64_t next(uint64_t *state) { /* SplitMix64 */
    uint64_t z = (*state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state) { return ((double)(next(state) >> 11) + 0.5) * 0x1p-53; }

static int64_t padded(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

/* Relative error below 3e-7 for -126 <= x < 127, smaller x taken as -126. The nearest integer n goes into the
 * exponent; 2^(x - n) is the polynomial of degree 5 that meets it at the Chebyshev nodes. */
static inline float power_of_2(float x) {
    x = x > -126.0f ? x : -126.0f;
    const float shifted = x + 0x1.8p23f, r = x - (shifted - 0x1.8p23f);
    union {
        float real;
        int32_t bits;
    } n = {.real = shifted}, power;
    float p = 1.33908634e-3f;
    p = p * r + 9.67603192e-3f;
    p = p * r + 5.55035711e-2f;
    p = p * r + 2.40221075e-1f;
    p = p * r + 6.93147188e-1f;
    power.real = p * r + 1.00000008f;
    power.bits += (int32_t)((uint32_t)n.bits << 23);
    return power.real;
}

static void start(const Circuit *p, const double *score_input, State *s, uint64_t *random) {
    const int64_t n = p->n_keys * p->n_cells;
    const double offset = log(p->dt * p->rho_0) - p->theta, a = p->dt / p->tau_e;
    for (int64_t i = 0; i < padded(n); i++) {
        const double u = i < n ? p->drive + score_input[i / p->n_cells] : 0;
        s->u[i] = (float)(a * (u + offset) / log(2));
        s->v[i] = (float)((uniform(random) * p->theta / 2 + offset) / log(2));
        s->left[i] = i < n ? (float)-log(uniform(random)) : 1e30f;
    }
    for (int64_t i = 0; i < padded(p->n_inh); i++) {
        const double place = p->n_inh > 1 ? 2.0 * i / (p->n_inh - 1) - 1 : 0;
        s->v_inh[i] = (float)(uniform(random) / 2);
        s->v_th[i] = i < p->n_inh ? (float)(1 + p->inh_spread * place) : 1e30f;
        s->wait[i] = 0;
    }
    memset(s->ring, 0, 2 * (p->delay + 1) * sizeof *s->ring);
}

static void row(const Circuit *p, State *s, int64_t *counts, int64_t *inh_count, uint64_t *random) {
    const int64_t n = padded(p->n_keys * p->n_cells), n_inh = padded(p->n_inh);
    const int64_t delay = p->delay, n_cells = p->n_cells;
    const int32_t refractory = (int32_t)p->refractory;
    float *restrict v = __builtin_assume_aligned(s->v, LINE), *restrict u = __builtin_assume_aligned(s->u, LINE);
    float *restrict left = __builtin_assume_aligned(s->left, LINE);
    float *restrict v_inh = __builtin_assume_aligned(s->v_inh, LINE);
    float *restrict v_th = __builtin_assume_aligned(s->v_th, LINE);
    int32_t *restrict wait = __builtin_assume_aligned(s->wait, LINE), *restrict ring = s->ring;
    const double a = p->dt / p->tau_e, decay = exp(-p->dt / p->tau_i);
    const float keep = (float)(1 - a), w_ie = (float)(a * p->w_ie / log(2));
    const float reset_by = (float)(p->reset_by / log(2));
    const float decay_i = (float)decay, w_ei = (float)(p->w_ei * (1 - decay));
    const float rise = (float)exp(-p->dt / p->tau_rise), ampa = (float)exp(-p->dt / p->tau_ampa);
    const float mix = (float)(p->tau_ampa / (p->tau_ampa - p->tau_rise)) * (ampa - rise);
    const float gaba = (float)exp(-p->dt / p->tau_gaba);
    float exc = 0, exc_in = 0, inh = 0;
    int64_t slot = 0, inh_total = 0;
    for (int64_t t = 0; t < p->n_steps; t++) {
        const float to_inh = w_ei * exc;
        float least = 0;
        int32_t exc_spikes = 0, inh_spikes = 0;
        for (int64_t i = 0; i < n; i++) {
            left[i] -= power_of_2(v[i]);
            v[i] = keep * v[i] + (u[i] - inh);
            least = left[i] < least ? left[i] : least;
        }
        for (int64_t i = 0; i < n_inh; i++) {
            const int ready = wait[i] <= 0;
            const float now = decay_i * v_inh[i] + to_inh;
            const int fires = ready & (now > v_th[i]);
            v_inh[i] = fires ? 0 : ready ? now : v_inh[i];
            wait[i] = fires ? refractory - 1 : wait[i] - 1;
            inh_spikes += fires;
        }
        exc = exc * rise + exc_in * mix;
        exc_in *= ampa;
        inh *= gaba;
        if (least < 0)
            for (int64_t i = 0; i < n; i++)
                if (left[i] < 0) {
                    exc_spikes++;
                    counts[i / n_cells]++;
                    v[i] -= reset_by;
                    left[i] = (float)-log(uniform(random));
                }
        inh_total += inh_spikes;
        ring[2 * slot] = exc_spikes;
        ring[2 * slot + 1] = inh_spikes;
        slot = slot < delay ? slot + 1 : 0;
        exc_in += (float)ring[2 * slot];
        inh += w_ie * (float)ring[2 * slot + 1];
    }
    *inh_count = inh_total;
}

/* counts (n_rows, n_keys) and inh_counts (n_rows,) begin at zero. */
void simulate(const Circuit *p, const double *score_input, int64_t *counts, int64_t *inh_counts) {
    const int64_t n = padded(p->n_keys * p->n_cells), n_inh = padded(p->n_inh);
    float *reals = aligned_alloc(LINE, (3 * n + 2 * n_inh) * sizeof *reals);
    int32_t *wholes = aligned_alloc(LINE, (n_inh + padded(2 * (p->delay + 1))) * sizeof *wholes);
    State s = {.v = reals, .left = reals + n, .u = reals + 2 * n, .v_inh = reals + 3 * n,
               .v_th = reals + 3 * n + n_inh, .wait = wholes, .ring = wholes + n_inh};
    for (int64_t r = 0; r < p->n_rows; r++) {
        uint64_t random = (uint64_t)p->seed * 1000003ull + (uint64_t)r;
        random = next(&random);
        start(p, score_input + r * p->n_keys, &s, &random);
        row(p, &s, counts + r * p->n_keys, inh_counts + r, &random);
    }
    free(reals);
    free(wholes);
}
