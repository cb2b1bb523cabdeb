// Collects the accesses of one block, joins them into warp requests when the block is done, and
// adds up what they cost. Each worker thread has one; their counts are sums, so it does not matter
// which worker ran which block.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "kernels/emulator/xray.hpp"

namespace nibble::kernels::emulator {

class Recorder {
public:
    explicit Recorder(Watch watch) : watch_(watch) {}

    /// `lane` of `warp` accesses `bytes` at `address`, which lies in `extent`.
    void record(const Where& where, Access access, const Extent& extent, const void* address,
                std::uint32_t bytes, unsigned warp, unsigned lane);
    /// The block with this linear index is done: turns its accesses into requests and counts them.
    void end_block(std::uint64_t block);
    /// Adds the counts of another worker.
    void merge(const Recorder& other);
    /// Sites by file, line, column.
    std::vector<SiteCounts> sites() const;

private:
    /// The same text of source can stand at several addresses (one per translation unit), so sites
    /// are keyed by address while recording, and joined by text in sites().
    struct Key {
        const char* file;
        unsigned line, column;
        Access access;
        Space space;
        std::uint32_t bytes;
        bool operator==(const Key&) const = default;
    };
    struct Hash {
        std::size_t operator()(const Key& k) const {
            return reinterpret_cast<std::uintptr_t>(k.file) ^
                   (std::size_t{k.line} * 0x9e3779b97f4a7c15ull + std::size_t{k.column} * 40503u +
                    static_cast<std::size_t>(k.access) * 7 + k.bytes);
        }
    };
    struct Open {  // a request whose lanes are still arriving
        std::uint32_t active = 0;
        const Extent* extent = nullptr;
        std::array<std::uintptr_t, warp_size> address{};
    };
    struct Stream {                                     // the requests of one warp at one place
        std::array<std::uint32_t, warp_size> passed{};  // how often each lane was here
        std::vector<Open> requests;
    };
    struct Site {
        SiteCounts counts;
        std::vector<Stream> warps;
    };

    void count(Site& site, unsigned warp, std::uint64_t block);

    Watch watch_;
    std::unordered_map<Key, Site, Hash> sites_;
};

}  // namespace nibble::kernels::emulator
