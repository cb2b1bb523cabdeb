#include "sim/serving/rules.hpp"

#include <fmt/format.h>

#include "sim/core/error.hpp"

namespace nibble::serving {

std::string_view name(Policy policy) {
    static constexpr std::string_view names[] = {"static", "dynamic", "continuous", "chunked",
                                                 "prefix-aware"};
    return names[static_cast<int>(policy)];
}

Refusal refusal(const Request& request, const Rules& rules) {
    if (!rules.is_chunked() && request.prompt > rules.token_budget) {
        return {"prompt",
                fmt::format("a prompt of {} tokens never fits a budget of {} whole", request.prompt,
                            rules.token_budget),
                "raise token_budget, or take the chunked scheduler"};
    }
    const std::int64_t stored = rules.prompts_only ? request.prompt : request.most_stored();
    const std::int64_t needed = (stored + rules.block_size - 1) / rules.block_size;
    if (needed > rules.blocks) {
        return {request.prompt > request.output ? "prompt" : "output",
                fmt::format("{} tokens of prompt and {} of output come to {} blocks of {}, and "
                            "there are {}",
                            request.prompt, request.output, needed, rules.block_size, rules.blocks),
                "raise blocks"};
    }
    return {};
}

void check_fits(const RequestTrace& trace, const Rules& rules) {
    for (const Request& request : trace.requests) {
        const Refusal no = refusal(request, rules);
        if (!no.why.empty()) {
            throw Error(Error::Code::bad_file,
                        fmt::format("{}: {}", trace.where(request, no.column), no.why), no.hint);
        }
    }
}

}  // namespace nibble::serving
