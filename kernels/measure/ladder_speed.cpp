#include "kernels/measure/ladder_speed.hpp"

#include <oneapi/tbb/global_control.h>

#include "kernels/measure/processor_speed.hpp"

namespace nibble::kernels {

#if !NIBBLE_HAVE_CUDA
void start_copy_on_gpu(void*, const void*, std::size_t) {
    throw DeviceError(DeviceState::not_built, "this program was built without CUDA");
}
#endif

namespace {

/// Seconds on the device's own clock, after a run that warms it up.
std::vector<double> device_seconds(const Device& gpu, std::size_t repetitions,
                                   const std::function<void()>& work) {
    gpu.milliseconds(work);
    std::vector<double> seconds;
    for (std::size_t r = 0; r < repetitions; ++r) {
        seconds.push_back(gpu.milliseconds(work) / 1e3);
    }
    return seconds;
}

double gpu_copy(const Device& gpu, std::span<const float> weights, std::size_t repetitions) {
    const DeviceArray<float> from(gpu, weights, "from");
    DeviceArray<float> to(gpu, weights.size(), "to");
    const auto seconds = device_seconds(
        gpu, repetitions, [&] { start_copy_on_gpu(to.data(), from.data(), weights.size_bytes()); });
    return speed_of(2e-9 * static_cast<double>(weights.size_bytes()), seconds).median;
}

}  // namespace

Job measured_job(const Ladder& ladder, std::size_t rows, std::size_t columns) {
    Job job = ladder.example;
    job.rows = rows;
    job.columns = columns;
    const auto is_large = [&] {
        std::size_t bytes = 0;
        for (const BufferInfo& buffer : ladder.buffers(job)) {
            bytes += buffer.bytes;
        }
        return bytes > 16 * rows * columns;  // twice what the ladders of matrices take
    };
    while (job.rows > 1 && is_large()) {
        job.rows /= 2;
    }
    return job;
}

std::vector<LadderSpeed> measure_ladders_here(
    std::size_t rows, std::size_t columns, std::span<const float> weights, std::size_t repetitions,
    const std::function<void(double, const std::string&)>& show) {
    const oneapi::tbb::global_control one(oneapi::tbb::global_control::max_allowed_parallelism, 1);
    std::vector<LadderSpeed> speeds;
    for (std::size_t i = 0; i < ladders().size(); ++i) {
        const Ladder& ladder = ladders()[i];
        show(static_cast<double>(i) / static_cast<double>(ladders().size()), ladder.id);
        const Job job = measured_job(ladder, rows, columns);
        Arena arena(device(Machine::cpu), ladder, job);
        arena.prepare(weights);
        const auto run = [&](unsigned) { ladder.cpu(job, arena.pointers()); };
        timed(1, 1, run);  // warms up
        speeds.push_back({ladder.id, "cpu", job,
                          speed_of(ladder.bytes(job) / 1e9, timed(1, repetitions, run)), 0});
    }
    return speeds;
}

std::vector<LadderSpeed> measure_ladders_on_gpu(
    std::size_t rows, std::size_t columns, std::span<const float> weights, std::size_t repetitions,
    const std::function<void(double, const std::string&)>& show) {
    const Device& gpu = device(Machine::cuda);
    const double copy = gpu_copy(gpu, weights, repetitions);
    std::vector<LadderSpeed> speeds;
    for (std::size_t i = 0; i < ladders().size(); ++i) {
        const Ladder& ladder = ladders()[i];
        show(static_cast<double>(i) / static_cast<double>(ladders().size()), ladder.id);
        const Job job = measured_job(ladder, rows, columns);
        Arena arena(gpu, ladder, job);
        arena.prepare(weights);
        for (const Rung& rung : ladder.rungs) {
            if (rung.cuda == nullptr) {
                continue;
            }
            const auto run = [&] { rung.cuda(job, arena.pointers()); };
            speeds.push_back(
                {ladder.id, rung.name, job,
                 speed_of(ladder.bytes(job) / 1e9, device_seconds(gpu, repetitions, run)), copy});
        }
    }
    return speeds;
}

}  // namespace nibble::kernels
