// Verification of drafted tokens, one kernel for a batch of requests, from naive to fast. ops.hpp
// has the rule; weights on the grid (grid.hpp) make every sum exact, so all rungs draw the same
// tokens however they share the row.
//
//     target    (requests, drafts + 1, vocabulary)  float, p
//     draft     (requests, drafts, vocabulary)      float, q
//     tokens    (requests, drafts)                  int
//     uniforms  (requests, drafts + 1)              float
//     accepted  (requests)                          int
//     next      (requests)                          int
//
// Accepting reads a word of p and q for each draft. What costs is one row of the vocabulary, twice:
// once for its sum, once for the token where the running sum passes u times it.
#include "kernels/reduce/device_sums.cuh"
#include "kernels/rungs.hpp"
#include "kernels/sampling/grid.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

/// The row to draw from: p, or what p has more than q.
struct Row {
    std::size_t p, q;  // where they start
    bool has_draft;
};

__device__ inline Row row_of(unsigned request, unsigned kept, unsigned drafts,
                             unsigned vocabulary) {
    return {(std::size_t{request} * (drafts + 1) + kept) * vocabulary,
            (std::size_t{request} * drafts + kept) * vocabulary, kept < drafts};
}

/// As weight_of in grid.hpp.
__device__ inline double weight_at(Global<const float> target, Global<const float> draft,
                                   const Row& row, unsigned v) {
    const float p = target[row.p + v];
    double excess = p;
    if (row.has_draft) {
        const float q = draft[row.q + v];
        excess -= double{q};
    }
    return ((excess > 0.0 ? excess : 0.0) + grid_shift) - grid_shift;
}

/// Whether draft `i` of a request stands.
__device__ inline bool stands(Global<const float> target, Global<const float> draft,
                              Global<const int> tokens, Global<const float> uniforms,
                              unsigned request, unsigned i, unsigned drafts, unsigned vocabulary) {
    const Row row = row_of(request, i, drafts, vocabulary);
    const int token = tokens[std::size_t{request} * drafts + i];
    const float u = uniforms[std::size_t{request} * (drafts + 1) + i];
    const float p = target[row.p + token], q = draft[row.q + token];
    return double{u} * double{q} < double{p};
}

/// One thread a request, token after token, as the rule is read: every lane walks a row of its
/// own, a sector a lane, and most of the GPU has nothing to do.
__global__ void verify_serial(Global<const float> target, Global<const float> draft,
                              Global<const int> tokens, Global<const float> uniforms,
                              Global<int> accepted, Global<int> next, unsigned requests,
                              unsigned drafts, unsigned vocabulary) {
    const unsigned request = blockIdx.x * blockDim.x + threadIdx.x;
    if (request >= requests) {
        return;
    }
    unsigned kept = 0;
    while (kept < drafts &&
           stands(target, draft, tokens, uniforms, request, kept, drafts, vocabulary)) {
        ++kept;
    }
    accepted[request] = static_cast<int>(kept);
    Row row = row_of(request, kept, drafts, vocabulary);
    double total = 0.0;
    for (unsigned v = 0; v < vocabulary; ++v) {
        total += weight_at(target, draft, row, v);
    }
    if (total == 0.0) {
        row.has_draft = false;
        for (unsigned v = 0; v < vocabulary; ++v) {
            total += weight_at(target, draft, row, v);
        }
    }
    const float u = uniforms[std::size_t{request} * (drafts + 1) + drafts];
    const double threshold = double{u} * total;
    unsigned v = 0;
    for (double sum = weight_at(target, draft, row, 0); sum <= threshold && v + 1 < vocabulary;) {
        ++v;
        sum += weight_at(target, draft, row, v);
    }
    next[request] = static_cast<int>(v);
}

/// How many drafts stand, for every thread of the block: each thread asks about one.
template <int threads>
__device__ inline unsigned first_rejection(Global<const float> target, Global<const float> draft,
                                           Global<const int> tokens, Global<const float> uniforms,
                                           unsigned request, unsigned drafts, unsigned vocabulary) {
    __shared__ Shared<unsigned[1]> first;
    if (threadIdx.x == 0) {
        first[0] = drafts;
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < drafts; i += threads) {
        if (!stands(target, draft, tokens, uniforms, request, i, drafts, vocabulary)) {
            atomicMin(&first[0], i);
        }
    }
    __syncthreads();
    return first[0];
}

/// The sum over the block by a tree in shared memory, a barrier a level.
template <int threads>
__device__ inline double tree_sum(SharedPointer<double> of_threads, double mine) {
    const unsigned t = threadIdx.x;
    of_threads[t] = mine;
    __syncthreads();
    for (unsigned half = threads / 2; half > 0; half /= 2) {
        if (t < half) {
            const double left = of_threads[t], right = of_threads[t + half];
            of_threads[t] = left + right;
        }
        __syncthreads();
    }
    const double sum = of_threads[0];
    __syncthreads();
    return sum;
}

/// One block a request: drafts are asked about side by side, neighbouring threads take neighbouring
/// tokens, and running sums come from a scan in shared memory (Hillis and Steele 1986), two
/// barriers for each of its levels, one stretch of the row after another until the token is found.
template <int threads>
__global__ void __launch_bounds__(threads)
    verify_block(Global<const float> target, Global<const float> draft, Global<const int> tokens,
                 Global<const float> uniforms, Global<int> accepted, Global<int> next,
                 unsigned drafts, unsigned vocabulary) {
    __shared__ Shared<double[threads]> sums;
    const unsigned t = threadIdx.x, request = blockIdx.x;
    const unsigned kept =
        first_rejection<threads>(target, draft, tokens, uniforms, request, drafts, vocabulary);
    Row row = row_of(request, kept, drafts, vocabulary);
    double total = 0.0;
    for (int from_target = 0; from_target < 2 && total == 0.0; ++from_target) {
        row.has_draft = row.has_draft && from_target == 0;
        double mine = 0.0;
        for (unsigned v = t; v < vocabulary; v += threads) {
            mine += weight_at(target, draft, row, v);
        }
        total = tree_sum<threads>(sums, mine);
    }
    const float u = uniforms[std::size_t{request} * (drafts + 1) + drafts];
    const double threshold = double{u} * total;
    double before = 0.0;
    for (unsigned first = 0; first < vocabulary; first += threads) {
        const double mine = first + t < vocabulary ? weight_at(target, draft, row, first + t) : 0.0;
        sums[t] = mine;
        __syncthreads();
        for (unsigned step = 1; step < threads; step *= 2) {
            double left = 0.0;
            if (t >= step) {
                left = sums[t - step];
            }
            __syncthreads();
            sums[t] += left;
            __syncthreads();
        }
        const double running = before + sums[t];
        before += sums[threads - 1];
        if (running > threshold && running - mine <= threshold) {
            accepted[request] = static_cast<int>(kept);
            next[request] = static_cast<int>(first + t);
        }
        if (before > threshold) {
            break;
        }
        __syncthreads();
    }
}

/// The running sum over a warp: what this lane and those before it have.
__device__ inline double scan_of_warp(double v) {
    const unsigned lane = threadIdx.x % 32;
    NIBBLE_UNROLL
    for (unsigned step = 1; step < 32; step *= 2) {
        const double left = __shfl_up_sync(full_warp, v, step);
        v += lane >= step ? left : 0.0;
    }
    return v;
}

/// Each warp sums a stretch of its own in registers. One barrier tells all of them the sums; then
/// only the warp whose stretch holds the token looks for it, and the others are done: an eighth of
/// the second reading, and no scan in shared memory.
template <int threads>
__global__ void __launch_bounds__(threads)
    verify_shuffles(Global<const float> target, Global<const float> draft, Global<const int> tokens,
                    Global<const float> uniforms, Global<int> accepted, Global<int> next,
                    unsigned drafts, unsigned vocabulary) {
    constexpr unsigned warps = threads / 32;
    __shared__ Shared<double[2][warps]> of_warps;
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, request = blockIdx.x;
    unsigned kept = drafts;
    for (unsigned i = 0; i < drafts && kept == drafts; i += 32) {  // in every warp, no barrier
        const bool falls = i + lane < drafts && !stands(target, draft, tokens, uniforms, request,
                                                        i + lane, drafts, vocabulary);
        const unsigned fallen = __ballot_sync(full_warp, falls);
        kept =
            fallen == 0 ? drafts : i + static_cast<unsigned>(__ffs(static_cast<int>(fallen))) - 1;
    }
    Row row = row_of(request, kept, drafts, vocabulary);
    const unsigned stretch = (vocabulary + threads - 1) / threads * 32;
    const unsigned start = min(warp * stretch, vocabulary), end = min(start + stretch, vocabulary);
    double total = 0.0, mine = 0.0, running = 0.0;
    for (int from_target = 0; from_target < 2 && total == 0.0; ++from_target) {
        row.has_draft = row.has_draft && from_target == 0;
        mine = 0.0;
        for (unsigned v = start + lane; v < end; v += 32) {
            mine += weight_at(target, draft, row, v);
        }
        mine = sum_of_warp(mine);
        if (lane == 0) {
            of_warps[from_target][warp] = mine;
        }
        __syncthreads();
        running = 0.0;
        NIBBLE_UNROLL
        for (unsigned w = 0; w < warps; ++w) {
            const double sum = of_warps[from_target][w];
            total += sum;
            running += w < warp ? sum : 0.0;
        }
    }
    const float u = uniforms[std::size_t{request} * (drafts + 1) + drafts];
    const double threshold = double{u} * total;
    if (running > threshold || running + mine <= threshold) {
        return;  // the token lies in another warp's stretch
    }
    for (unsigned first = start; first < end; first += 32) {
        const double weight =
            first + lane < end ? weight_at(target, draft, row, first + lane) : 0.0;
        const double sum = running + scan_of_warp(weight);
        const unsigned beyond = __ballot_sync(full_warp, sum > threshold);
        if (beyond != 0) {
            if (lane == 0) {
                accepted[request] = static_cast<int>(kept);
                next[request] = static_cast<int>(first) + __ffs(static_cast<int>(beyond)) - 1;
            }
            return;
        }
        running = __shfl_sync(full_warp, sum, 31);
    }
}

// ---- the ladder ------------------------------------------------------------------------------

constexpr int block_threads = 256;
constexpr unsigned drafts = ladder_drafts;

void serial(const Job& job, Buffers b) {
    constexpr int threads = 64;
    launch<verify_serial>({blocks_for(job.rows, threads), threads}, buffer<const float>(b, 0),
                          buffer<const float>(b, 1), buffer<const int>(b, 2),
                          buffer<const float>(b, 3), buffer<int>(b, 4), buffer<int>(b, 5), job.rows,
                          drafts, job.columns);
}

template <auto kernel>
void block_a_request(const Job& job, Buffers b) {
    launch<kernel>({static_cast<unsigned>(job.rows), block_threads}, buffer<const float>(b, 0),
                   buffer<const float>(b, 1), buffer<const int>(b, 2), buffer<const float>(b, 3),
                   buffer<int>(b, 4), buffer<int>(b, 5), drafts, job.columns);
}

constexpr RungRow rows[] = {
    {"serial", "One thread a request walks the vocabulary twice: each lane in a row of its own.",
     "verify_serial", serial},
    {"block",
     "One block a request: neighbouring threads read neighbouring tokens; sums run through a scan "
     "in shared memory.",
     "verify_block", block_a_request<verify_block<block_threads>>},
    {"shuffles",
     "Each warp sums its stretch in registers; after one barrier only the warp that holds the "
     "token reads on.",
     "verify_shuffles", block_a_request<verify_shuffles<block_threads>>},
};

}  // namespace

std::span<const RungRow> verify_drafts_rows() {
    return rows;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
