#include "sim/roofline/published.hpp"

#include <fmt/format.h>

namespace nibble {

PublishedSteps read_published(const std::filesystem::path& path) {
    const TomlTable file = TomlTable::read(path);
    PublishedSteps p;
    p.id = path.stem().string();
    p.title = file.text("title");
    p.model = file.text("model");
    p.device = file.text("device");
    const std::string phase = file.text("phase");
    if (phase != "decode" && phase != "prefill") {
        file.refuse("phase", fmt::format("\"{}\" is neither decode nor prefill", phase));
    }
    p.phase = phase == "decode" ? Phase::decode : Phase::prefill;
    p.precision = {file.positive("weight_bits"), file.positive("activation_bits"),
                   file.positive("kv_bits")};
    for (const auto& r : file.rows("rows", 4)) {
        p.rows.push_back({static_cast<std::int64_t>(r[0]), static_cast<std::int64_t>(r[1]),
                          static_cast<std::int64_t>(r[2]), Seconds{r[3] * 1e-3}});
    }
    p.note = file.text("note");
    static_cast<Citation&>(p) = citation_in(file);
    file.finish();
    return p;
}

}  // namespace nibble
