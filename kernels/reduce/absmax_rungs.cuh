// The ladder of absmax.cuh.
#include "kernels/reduce/absmax.cuh"
#include "kernels/rungs.hpp"

namespace nibble::kernels::NIBBLE_MACHINE {
namespace {

constexpr int block_threads = 256;

void naive(const Job& job, Buffers b) {
    with_input(job.input, [&]<class T>(Type<T>) {
        run_absmax_naive(buffer<const T>(b, 0), buffer<unsigned>(b, 1), job.values());
    });
}
void tree(const Job& job, Buffers b) {
    launch<clear_largest>({1, 1}, buffer<unsigned>(b, 1));
    with_input(job.input, [&]<class T>(Type<T>) {
        launch<absmax_tree<T, block_threads>>(
            {blocks_for(job.values(), block_threads), block_threads}, buffer<const T>(b, 0),
            buffer<unsigned>(b, 1), job.values());
    });
}
void shuffles(const Job& job, Buffers b) {
    launch<clear_largest>({1, 1}, buffer<unsigned>(b, 1));
    with_input(job.input, [&]<class T>(Type<T>) {
        launch<absmax_shuffles<T, block_threads>>(
            {blocks_for(job.values(), block_threads), block_threads}, buffer<const T>(b, 0),
            buffer<unsigned>(b, 1), job.values());
    });
}
void vectorised(const Job& job, Buffers b) {
    with_input(job.input, [&]<class T>(Type<T>) {
        run_absmax_vectorised(buffer<const T>(b, 0), buffer<unsigned>(b, 1), job.values());
    });
}

constexpr RungRow rows[] = {
    {"naive", "Every value goes to one address by an atomic maximum, and they queue up there.",
     "absmax_naive", naive},
    {"tree", "A tree in shared memory joins the values of a block: one atomic a block.",
     "absmax_tree", tree},
    {"shuffles", "Warps join in registers: one barrier instead of nine.", "absmax_shuffles",
     shuffles},
    {"vectorised", "Few blocks walk over the array, 16 bytes a load: joining becomes rare.",
     "absmax_vectorised", vectorised},
};

}  // namespace

std::span<const RungRow> absmax_rows() {
    return rows;
}

}  // namespace nibble::kernels::NIBBLE_MACHINE
