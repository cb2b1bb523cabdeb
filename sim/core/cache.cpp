#include "sim/core/cache.hpp"

namespace nibble {

std::shared_ptr<const void> Cache::find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) {
        return nullptr;
    }
    newest_first_.splice(newest_first_.begin(), newest_first_, found->second);
    return found->second->value;
}

void Cache::put(const std::string& key, std::shared_ptr<const void> value, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (const auto old = index_.find(key); old != index_.end()) {
        used_ -= old->second->bytes;
        newest_first_.erase(old->second);
        index_.erase(old);
    }
    newest_first_.push_front({key, std::move(value), bytes});
    index_[key] = newest_first_.begin();
    used_ += bytes;
    while (used_ > budget_ && newest_first_.size() > 1) {
        used_ -= newest_first_.back().bytes;
        index_.erase(newest_first_.back().key);
        newest_first_.pop_back();
    }
}

std::size_t Cache::bytes() const {
    const std::lock_guard lock(mutex_);
    return used_;
}

std::size_t Cache::size() const {
    const std::lock_guard lock(mutex_);
    return newest_first_.size();
}

}  // namespace nibble
