#include "sim/model/shipped.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "sim/core/data_folder.hpp"

namespace nibble {
namespace {

bool is_shipped(std::string_view name) {
    return std::find(shipped_models.begin(), shipped_models.end(), name) != shipped_models.end();
}

}  // namespace

std::filesystem::path model_path(std::string_view name_or_path) {
    return is_shipped(name_or_path) ? data_folder() / "tinylm" / name_or_path : name_or_path;
}

std::shared_ptr<const ModelFiles> open_model(std::string_view name_or_path) {
    const std::filesystem::path path = model_path(name_or_path);
    std::error_code ignored;
    if (is_shipped(name_or_path) && !std::filesystem::is_directory(path, ignored)) {
        throw Error(
            Error::Code::io,
            fmt::format("the model \"{}\" is not in {}", name_or_path, path.parent_path().string()),
            fmt::format("NIBBLE_DATA names the folder that holds tinylm; `nibble train "
                        "--preset {0} --out {1}` makes the model anew; --model ./{0} is a "
                        "folder of yours",
                        name_or_path, path.string()));
    }
    return ModelFiles::open(path);
}

}  // namespace nibble
