#include "viz/app/settings.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "sim/core/atomic_file.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

constexpr int newest_format = 1;

std::filesystem::path file_in(const std::filesystem::path& folder) {
    return folder / "settings.json";
}

/// Reads what is there; the first thing that is not as it should be throws.
Settings parse(const Json& whole, const Experiments& all) {
    Settings s;
    if (whole.at("format").get<int>() > newest_format) {
        throw Error(Error::Code::bad_file, "written by a newer version");
    }
    s.theme = theme_kind(whole.at("theme").get<std::string>());
    s.projector = whole.at("projector").get<bool>();
    s.width = std::clamp(whole.at("window").at(0).get<int>(), 900, 16384);
    s.height = std::clamp(whole.at("window").at(1).get<int>(), 600, 16384);
    const Json& e = whole.at("export");
    s.exports = {e.at("suffix").get<std::string>(),
                 e.at("width").get<int>(),
                 e.at("height").get<int>(),
                 e.at("scale").get<double>(),
                 theme_kind(e.at("theme").get<std::string>()),
                 e.at("folder").get<std::string>()};
    if (whole.contains("lesson")) {
        s.lesson = whole["lesson"].at("id").get<std::string>();
        s.lesson_page = whole["lesson"].at("page").get<std::size_t>();
    }
    if (whole.contains("scenario")) {
        s.last = scenario_from_json(whole["scenario"].dump(), all);
    }
    return s;
}

}  // namespace

std::string_view theme_name(ThemeKind kind) {
    switch (kind) {
        case ThemeKind::dark:
            return "dark";
        case ThemeKind::light:
            return "light";
        case ThemeKind::print:
            return "print";
    }
    return "dark";
}

LoadedSettings load_settings(const std::filesystem::path& folder, const Experiments& all) {
    std::ifstream file(file_in(folder), std::ios::binary);
    if (folder.empty() || !file) {
        return {};
    }
    std::ostringstream text;
    text << file.rdbuf();
    const std::string notice = "settings.json could not be understood: starting afresh";
    try {
        return {parse(Json::parse(text.str()), all), ""};
    } catch (const Error&) { return {{}, notice}; } catch (const Json::exception&) {
        return {{}, notice};
    }
}

bool save_settings(const Settings& s, const std::filesystem::path& folder, const Experiments& all) {
    if (folder.empty()) {
        return false;
    }
    Json whole = {{"format", newest_format},
                  {"theme", theme_name(s.theme)},
                  {"projector", s.projector},
                  {"window", {s.width, s.height}},
                  {"export",
                   {{"suffix", s.exports.suffix},
                    {"width", s.exports.width},
                    {"height", s.exports.height},
                    {"scale", s.exports.scale},
                    {"theme", theme_name(s.exports.theme)},
                    {"folder", s.exports.folder}}}};
    if (!s.lesson.empty()) {
        whole["lesson"] = {{"id", s.lesson}, {"page", s.lesson_page}};
    }
    if (s.last) {
        whole["scenario"] = Json::parse(to_json_text(*s.last, all));
    }
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    try {
        AtomicFile file(file_in(folder));
        file.write(whole.dump(2, ' ', true, Json::error_handler_t::replace) + '\n');
        file.commit();
    } catch (const Error&) { return false; }
    return true;
}

}  // namespace nibble
