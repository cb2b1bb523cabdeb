#include "kernels/measure/processor_speed.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <new>
#include <span>
#include <thread>

#include "kernels/crew.hpp"
#include "kernels/measure/loops.hpp"

namespace nibble::kernels {
namespace {

using Clock = std::chrono::steady_clock;
using Words = std::span<std::uint64_t>;

constexpr std::size_t granule = loop_words * sizeof(std::uint64_t);
constexpr std::size_t page = 4096;

/// Results go here: what nobody reads, a compiler may leave out.
std::atomic<std::uint64_t> kept{0};

struct FreePages {
    void operator()(std::uint64_t* memory) const {
        ::operator delete (memory, std::align_val_t{page});
    }
};

/// 480 MiB of "491520K"; 0 for anything else.
std::size_t last_level_cache() {
    std::size_t largest = 0;
    for (int index = 0; index < 8; ++index) {  // Linux; elsewhere there is none
        std::ifstream in("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) +
                         "/size");
        std::size_t size = 0;
        char unit = 0;
        if (in >> size >> unit) {
            largest = std::max(largest, size << (unit == 'M' ? 20U : 10U));
        }
    }
    return largest;
}

std::size_t free_memory() {
    std::ifstream in("/proc/meminfo");
    for (std::string word; in >> word;) {
        std::size_t kib = 0;
        if (word == "MemAvailable:" && in >> kib) {
            return kib << 10U;
        }
    }
    return 0;
}

std::size_t largest_array(const MeasureEffort& effort, std::size_t cache) {
    constexpr std::size_t unknown = std::size_t{1} << 30U;
    if (effort.largest_bytes != 0) {
        return effort.largest_bytes;
    }
    const std::size_t memory = free_memory();
    const std::size_t wanted = cache == 0 ? unknown : 4 * cache;
    return std::max(effort.smallest_bytes, std::min(wanted, memory == 0 ? unknown : memory / 4));
}

/// A bijection with well-mixed bits (the finalizer of SplitMix64; Steele, Lea, Flood 2014).
std::uint64_t mixed(std::uint64_t x) {
    x = (x + 0x9e3779b97f4a7c15U);
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

/// Repeats `work(thread, passes)` with as many passes as make a measurement long enough.
Spread measured(const MeasureEffort& effort, unsigned threads, double amount_of_pass,
                const std::function<void(unsigned, std::size_t)>& work) {
    constexpr double long_measurement = 0.1;
    constexpr std::size_t most_passes = std::size_t{1} << 30U;
    std::size_t passes = 1;
    const auto run = [&](std::size_t repetitions) {
        return timed(threads, repetitions, [&](unsigned t) { work(t, passes); });
    };
    double seconds = run(1)[0];
    while (seconds < effort.seconds && passes < most_passes) {
        passes *= 2;
        seconds = run(1)[0];
    }
    const std::size_t repetitions = seconds > long_measurement
                                        ? std::min<std::size_t>(3, effort.repetitions)
                                        : effort.repetitions;
    return speed_of(amount_of_pass * static_cast<double>(passes) * threads / 1e9, run(repetitions));
}

struct Sweep {
    const MeasureEffort& effort;
    Words all;  // shared out among the threads

    Words array_of(unsigned thread, std::size_t bytes, unsigned threads) const {
        const std::size_t share = all.size() / threads / loop_words * loop_words;
        return all.subspan(thread * share, bytes / sizeof(std::uint64_t));
    }

    MemorySpeed measure(const char* operation, std::size_t bytes, unsigned threads) const {
        const std::string name = operation;
        const auto work = [&](unsigned thread, std::size_t passes) {
            const Words words = array_of(thread, bytes, threads);
            const std::size_t half = words.size() / 2;
            std::uint64_t result = 0;
            for (std::size_t pass = 0; pass < passes; ++pass) {
                if (name == "read") {
                    result += read_words(words);
                } else if (name == "write") {
                    write_words(words, mixed(pass));
                } else {
                    copy_words(words.first(half), words.last(half));
                }
            }
            kept += result;
        };
        return {name, threads, bytes, measured(effort, threads, static_cast<double>(bytes), work)};
    }
};

ArithmeticSpeed measure_flops(const MeasureEffort& effort, unsigned threads) {
    constexpr std::size_t rounds = 1024;
    // x = 0.5 x + 1 goes to 2 and stays there: no chain overflows or becomes denormal.
    const auto work = [](unsigned, std::size_t passes) {
        kept += static_cast<std::uint64_t>(multiply_add(rounds * passes, 0.5F, 1.0F));
    };
    return {"multiply_add_f32", threads,
            measured(effort, threads, rounds * multiply_add_flops(), work)};
}

ArithmeticSpeed measure_int8(const MeasureEffort& effort, unsigned threads) {
    constexpr std::size_t rounds = 64;
    std::array<std::int8_t, 256> weights, activations;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = static_cast<std::int8_t>(mixed(i) % 255);
        activations[i] = static_cast<std::int8_t>(mixed(i + weights.size()) % 255);
    }
    // One pass a call: sums of more products could leave the range of int32.
    const auto work = [&](unsigned, std::size_t passes) {
        for (std::size_t pass = 0; pass < passes; ++pass) {
            kept.fetch_add(static_cast<std::uint32_t>(dot_int8(rounds, weights, activations)),
                           std::memory_order_relaxed);
        }
    };
    return {"dot_int8_widened", threads,
            measured(effort, threads, rounds * dot_int8_operations(), work)};
}

std::vector<unsigned> thread_counts(unsigned all) {
    return all == 1 ? std::vector<unsigned>{1} : std::vector<unsigned>{1, all};
}

/// Doubling from the smallest; the largest itself is the last.
std::vector<std::size_t> sizes(std::size_t smallest, std::size_t largest) {
    std::vector<std::size_t> list;
    for (std::size_t size = smallest; size < largest; size *= 2) {
        list.push_back(size);
    }
    list.push_back(largest);
    return list;
}

}  // namespace

std::vector<double> timed(unsigned threads, std::size_t repetitions,
                          const std::function<void(unsigned)>& work) {
    struct Lap {
        Clock::time_point begin, end;
    };
    std::vector<Lap> laps(threads * repetitions);
    std::barrier start(static_cast<std::ptrdiff_t>(threads));
    const auto run = [&](unsigned thread) {
        for (std::size_t r = 0; r < repetitions; ++r) {
            start.arrive_and_wait();
            Lap& lap = laps[r * threads + thread];
            lap.begin = Clock::now();
            work(thread);
            lap.end = Clock::now();
        }
    };
    {
        Crew others;
        for (unsigned t = 1; t < threads; ++t) {
            others.start(run, t);
        }
        run(0);
    }
    std::vector<double> seconds;
    for (std::size_t r = 0; r < repetitions; ++r) {
        const std::span<const Lap> of_all(&laps[r * threads], threads);
        Clock::time_point begin = of_all[0].begin, end = of_all[0].end;
        for (const Lap& lap : of_all) {
            begin = std::min(begin, lap.begin);
            end = std::max(end, lap.end);
        }
        seconds.push_back(std::chrono::duration<double>(end - begin).count());
    }
    return seconds;
}

Spread speed_of(double amount, const std::vector<double>& seconds) {
    constexpr double tick = 1e-9;  // the clock's: no time is shorter
    std::vector<double> speeds;
    for (const double s : seconds) {
        speeds.push_back(amount / std::max(s, tick));
    }
    return spread_of(std::move(speeds));
}

ProcessorSpeed measure_processor(const MeasureEffort& effort,
                                 const std::function<void(double)>& show) {
    ProcessorSpeed result;
    result.threads = std::max(1U, std::thread::hardware_concurrency());
    result.last_level_cache_bytes = last_level_cache();
    const std::size_t unit = 2 * granule;  // both halves of a copy are whole
    const std::size_t share =
        largest_array(effort, result.last_level_cache_bytes) / result.threads / unit * unit;
    result.largest_bytes = std::max(share, effort.smallest_bytes) * result.threads;

    const std::unique_ptr<std::uint64_t, FreePages> memory(
        static_cast<std::uint64_t*>(::operator new (result.largest_bytes, std::align_val_t{page})));
    const Sweep sweep{effort, {memory.get(), result.largest_bytes / sizeof(std::uint64_t)}};
    timed(result.threads, 1, [&](unsigned thread) {
        const Words words =
            sweep.array_of(thread, result.largest_bytes / result.threads, result.threads);
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] = mixed((std::uint64_t{thread} << 40U) + i);
        }
    });
    for (const unsigned threads : thread_counts(result.threads)) {
        result.arithmetic.push_back(measure_flops(effort, threads));
        result.arithmetic.push_back(measure_int8(effort, threads));
    }
    // Writes last, so that what is read and copied is random.
    const std::array operations = {"read", "copy", "write"};
    for (std::size_t o = 0; o < operations.size(); ++o) {
        show(static_cast<double>(o) / static_cast<double>(operations.size()));
        for (const unsigned threads : thread_counts(result.threads)) {
            for (const std::size_t bytes :
                 sizes(effort.smallest_bytes, result.largest_bytes / threads)) {
                result.memory.push_back(sweep.measure(operations[o], bytes, threads));
            }
        }
    }
    return result;
}

}  // namespace nibble::kernels
