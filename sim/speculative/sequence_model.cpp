#include "sim/speculative/sequence_model.hpp"

#include <fmt/format.h>

namespace nibble {

std::vector<float> NetworkSequence::read(std::span<const std::int32_t> ids) {
    const Matrix<float> z = extend<float>(model_, cache_, ids);
    return {z.row(z.rows() - 1), z.row(z.rows() - 1) + z.cols()};
}

Matrix<float> NetworkSequence::read_tree(std::span<const std::int32_t> ids,
                                         std::span<const Index> parents) {
    return extend_tree<float>(model_, cache_, ids, parents);
}

void check_same_tokens(const Tokenizer& target, const Tokenizer& draft,
                       const ModelConfig& target_config, const ModelConfig& draft_config) {
    const auto refuse = [](const std::string& what) {
        throw Error(
            Error::Code::bad_param, "the models do not share a tokenizer: " + what,
            "a draft must be trained with its target's tokenizer; --draft ngram needs none");
    };
    if (target.size() != draft.size()) {
        refuse(
            fmt::format("the target's has {} pieces, the draft's {}", target.size(), draft.size()));
    }
    for (std::int32_t id = 0; id < static_cast<std::int32_t>(target.size()); ++id) {
        if (target.piece(id) != draft.piece(id) || target.is_special(id) != draft.is_special(id)) {
            refuse(fmt::format("id {} is \"{}\" to the target and \"{}\" to the draft", id,
                               target.piece(id), draft.piece(id)));
        }
    }
    if (target_config.vocab != draft_config.vocab) {
        refuse(fmt::format("the target has logits for {} ids, the draft for {}",
                           target_config.vocab, draft_config.vocab));
    }
}

}  // namespace nibble
