// Values worth keeping: a tensor that several parameter sets share, the result of a finished run.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace nibble {

/// Least-recently-used values under string keys, bounded by their total size. Thread-safe.
class Cache {
public:
    explicit Cache(std::size_t byte_budget) : budget_(byte_budget) {}

    /// The value under `key`, or null.
    std::shared_ptr<const void> find(const std::string& key);
    /// Keeps `value`; drops the oldest others until the budget holds. A value larger than the whole
    /// budget is kept alone.
    void put(const std::string& key, std::shared_ptr<const void> value, std::size_t bytes);
    std::size_t bytes() const;
    std::size_t size() const;

    /// The value under `key`, made and kept when absent. `bytes_of(T)` says what it weighs.
    /// Two threads may both make it; both are the same value, and the later one stays.
    template <class T>
    std::shared_ptr<const T> get(const std::string& key, const std::function<T()>& make,
                                 const std::function<std::size_t(const T&)>& bytes_of) {
        if (auto found = find(key)) {
            return std::static_pointer_cast<const T>(found);
        }
        auto made = std::make_shared<const T>(make());
        put(key, made, bytes_of(*made));
        return made;
    }

private:
    struct Entry {
        std::string key;
        std::shared_ptr<const void> value;
        std::size_t bytes;
    };
    mutable std::mutex mutex_;
    std::size_t budget_, used_ = 0;
    std::list<Entry> newest_first_;
    std::unordered_map<std::string, std::list<Entry>::iterator> index_;
};

}  // namespace nibble
