#include "viz/app/settings.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "sim/core/atomic_file.hpp"
#include "sim/core/json_object.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

constexpr int newest_format = 1;

std::filesystem::path file_in(const std::filesystem::path& folder) {
    return folder / "settings.json";
}

/// Reads what is there; the first thing that is not as it should be throws.
Settings parse(const JsonObject& whole, const Experiments& all) {
    Settings s;
    if (whole.whole("format", 1) > newest_format) {
        throw Error(Error::Code::bad_file, "written by a newer version");
    }
    s.theme = theme_kind(whole.text("theme"));
    s.projector = whole.flag("projector");
    const nlohmann::json& window = whole.list("window");
    s.width = std::clamp(window.at(0).get<int>(), 900, 16384);
    s.height = std::clamp(window.at(1).get<int>(), 600, 16384);
    const JsonObject e = whole.object("export");
    s.exports = {e.text("suffix"),
                 static_cast<int>(e.whole("width")),
                 static_cast<int>(e.whole("height")),
                 e.positive("scale"),
                 theme_kind(e.text("theme")),
                 e.text("folder")};
    if (const auto lesson = whole.object_if("lesson")) {
        s.lesson = lesson->text("id");
        s.lesson_page = static_cast<std::size_t>(lesson->whole("page"));
    }
    if (const auto scenario = whole.object_if("scenario")) {
        s.last = scenario_from_json(scenario->json().dump(), all);
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
        return {parse(JsonObject(text.str(), "settings.json"), all), ""};
    } catch (const Error&) { return {{}, notice}; } catch (const nlohmann::json::exception&) {
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
