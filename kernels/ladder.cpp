#include "kernels/ladder.hpp"

#include "kernels/families.hpp"

namespace nibble::kernels {

const std::vector<Ladder>& ladders() {
    static const std::vector<Ladder> all = [] {
        std::vector<Ladder> list;
        add_quantize_ladders(list);
        add_reduce_ladders(list);
        add_attention_ladders(list);
        add_sampling_ladders(list);
        return list;
    }();
    return all;
}

const Ladder* find_ladder(std::string_view id) {
    for (const Ladder& ladder : ladders()) {
        if (ladder.id == id) {
            return &ladder;
        }
    }
    return nullptr;
}

std::vector<Rung> join_rungs(const char* source, std::span<const RungRow> emulated,
                             std::span<const RungRow> cuda) {
    std::vector<Rung> rungs;
    for (std::size_t i = 0; i < emulated.size(); ++i) {
        const RungRow& row = emulated[i];
        rungs.push_back({row.name, row.teaches, row.kernel, source, row.run,
                         i < cuda.size() ? cuda[i].run : nullptr});
    }
    return rungs;
}

Arena::Arena(const Device& where, const Ladder& ladder, const Job& job)
    : device_(&where), ladder_(&ladder), job_(job) {
    ladder.check(job);
    infos_ = ladder.buffers(job);
    for (const BufferInfo& info : infos_) {
        arrays_.emplace_back(where, info.bytes, info.name);
        pointers_.push_back(arrays_.back().data());
    }
}

void Arena::prepare(std::span<const float> weights) {
    if (device_->machine() != Machine::cuda) {
        ladder_->prepare(job_, weights, pointers_);
        return;
    }
    std::vector<std::vector<std::byte>> staged(infos_.size());
    std::vector<void*> here(infos_.size());
    for (std::size_t i = 0; i < infos_.size(); ++i) {
        staged[i].resize(infos_[i].is_input ? infos_[i].bytes : 0);
        here[i] = staged[i].data();
    }
    ladder_->prepare(job_, weights, here);
    for (std::size_t i = 0; i < infos_.size(); ++i) {
        if (infos_[i].is_input) {
            arrays_[i].upload(staged[i]);
        }
    }
}

std::vector<std::byte> Arena::download(std::size_t i) const {
    return arrays_[i].download();
}

}  // namespace nibble::kernels
