#include "sim/model/loaded_model.hpp"

#include <fmt/format.h>

#include "sim/model/shipped.hpp"

namespace nibble {

std::shared_ptr<const LoadedModel> loaded_model(const std::string& name_or_path,
                                                const RunContext& context) {
    const std::filesystem::path path = model_path(name_or_path);
    const std::string key = fmt::format("model {} {}{}{}", path.string(), file_stamp(path.string()),
                                        file_stamp((path / "config.json").string()),
                                        file_stamp((path / "model.safetensors").string()));
    return context.memo<LoadedModel>(
        key,
        [&] {
            const auto files = open_model(name_or_path);
            return LoadedModel{files, files->fitting(), path.filename().string()};
        },
        [](const LoadedModel& l) { return static_cast<std::size_t>(l.files->float_bytes()); });
}

}  // namespace nibble
