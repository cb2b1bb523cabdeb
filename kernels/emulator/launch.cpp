#include "kernels/emulator/launch.hpp"

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>

#include "kernels/crew.hpp"

namespace nibble::kernels::emulator {
namespace {

thread_local Session* innermost = nullptr;

constexpr std::uint64_t no_block = std::numeric_limits<std::uint64_t>::max();

/// Hands out blocks in order, knows which have finished, and keeps the fault of the first block
/// that failed. Blocks before it still run to their end: one of them may fail too, and then counts.
class Progress {
public:
    explicit Progress(std::uint64_t blocks) : blocks_(blocks) {}

    std::optional<std::uint64_t> next() {
        const std::lock_guard lock(mutex_);
        if (handed_out_ >= blocks_ || handed_out_ > failed_) {
            return std::nullopt;
        }
        return handed_out_++;
    }

    void finished(std::uint64_t block, std::exception_ptr failure) {
        const std::lock_guard lock(mutex_);
        if (failure && block < failed_) {
            failed_ = block;
            failure_ = failure;
        }
        done_early_.push_back(block);
        for (auto found = done_early_.end();
             (found = std::find(done_early_.begin(), done_early_.end(), done_)) !=
             done_early_.end();) {
            done_early_.erase(found);
            ++done_;
        }
        changed_.notify_all();
    }

    /// Returns once every block before this one has finished. Such blocks have been handed out
    /// already and never wait for later ones, so this always ends.
    void wait_for_blocks_before(std::uint64_t block) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return done_ >= block; });
    }

    std::exception_ptr failure() const { return failure_; }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t blocks_, handed_out_ = 0;
    std::uint64_t done_ = 0;                 // blocks [0, done_) have finished
    std::vector<std::uint64_t> done_early_;  // and these, at most one for each worker
    std::uint64_t failed_ = no_block;
    std::exception_ptr failure_;
};

/// What one OS thread contributes to a launch.
struct Worker {
    std::optional<Recorder> recorder;
    std::uint64_t barriers = 0, collectives = 0;

    void run(const GridPlan& plan, Progress& progress) {
        static thread_local Block block;  // its fibers are worth keeping for the next launch
        const std::uint64_t old_barriers = block.barriers();
        const std::uint64_t old_collectives = block.collectives();
        while (const auto next = progress.next()) {
            std::exception_ptr failure;
            try {
                block.run(plan, *next, recorder ? &*recorder : nullptr);
            } catch (...) { failure = std::current_exception(); }
            progress.finished(*next, failure);
        }
        barriers = block.barriers() - old_barriers;
        collectives = block.collectives() - old_collectives;
    }
};

/// The limits of every GPU since compute capability 3.0 (CUDA C++ Programming Guide, "Technical
/// specifications per compute capability").
void check_shape(const std::string& kernel, Index3 grid, Index3 block, std::size_t dynamic_bytes) {
    const auto refuse = [&](const std::string& why) {
        throw Fault(Fault::Kind::bad_launch, {kernel, {}, {}, {}, 0}, why);
    };
    const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
    if (threads == 0 || threads > max_block_threads || block.z > 64) {
        refuse("a block of " + text(block) + " threads; it may have 1 to 1024, 64 in z");
    }
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 0xffff ||
        grid.z > 0xffff) {
        refuse("a grid of " + text(grid) + " blocks; x may be 1 to 2^31-1, y and z 1 to 65535");
    }
    if (dynamic_bytes > shared_limit) {
        refuse(std::to_string(dynamic_bytes) + " bytes of dynamic shared memory; the most is " +
               std::to_string(shared_limit));
    }
}

/// Fewer blocks than this for a thread are not worth starting it.
constexpr std::uint64_t blocks_per_thread = 4;

unsigned worker_count(unsigned wanted, std::uint64_t blocks) {
    const unsigned processor = std::max(1u, std::thread::hardware_concurrency());
    const std::uint64_t useful =
        wanted != 0 ? blocks : std::max<std::uint64_t>(1, blocks / blocks_per_thread);
    return static_cast<unsigned>(std::min<std::uint64_t>(wanted != 0 ? wanted : processor, useful));
}

}  // namespace

Session::Session(Options options) : options_(options), outer_(innermost) {
    innermost = this;
}

Session::~Session() {
    innermost = outer_;
}

void run_grid(std::string_view kernel, Index3 grid, Index3 block, std::size_t dynamic_bytes,
              std::function<void()> body) {
    const Options options = innermost != nullptr ? innermost->options() : Options{};
    check_shape(std::string(kernel), grid, block, dynamic_bytes);
    const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
    Progress progress(blocks);
    GridPlan plan;
    plan.kernel = kernel;
    plan.grid = grid;
    plan.block = block;
    plan.dynamic_bytes = dynamic_bytes;
    plan.body = std::move(body);
    plan.order = options.order;
    plan.seed = options.seed;
    plan.check_shared = options.check_shared;
    plan.take_turn = [&progress](std::uint64_t b) { progress.wait_for_blocks_before(b); };

    std::vector<Worker> workers(worker_count(options.threads, blocks));
    for (Worker& worker : workers) {
        if (options.xray) {
            worker.recorder.emplace(options.watch);
        }
    }
    {
        Crew crew;
        for (std::size_t i = 1; i < workers.size(); ++i) {
            crew.start([&, i] { workers[i].run(plan, progress); });
        }
        workers[0].run(plan, progress);
    }
    if (progress.failure()) {
        std::rethrow_exception(progress.failure());
    }
    if (const std::string damage = damaged_guard(); !damage.empty()) {
        throw Fault(Fault::Kind::out_of_bounds, {plan.kernel, {}, {}, {}, 0}, damage);
    }
    if (innermost == nullptr) {
        return;
    }
    Report report{plan.kernel, grid, block, blocks, 0, 0, {}};
    for (Worker& worker : workers) {
        report.barriers += worker.barriers;
        report.collectives += worker.collectives;
        if (worker.recorder && &worker != &workers[0]) {
            workers[0].recorder->merge(*worker.recorder);
        }
    }
    if (workers[0].recorder) {
        report.sites = workers[0].recorder->sites();
    }
    innermost->add(std::move(report));
}

}  // namespace nibble::kernels::emulator
