#include "sim/roofline/catalogue.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

#include "sim/core/data_folder.hpp"
#include "sim/core/error.hpp"
#include "sim/core/nearest.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t named_in_hint = 4;

/// Every .toml of the folder in order of name, through `read`; errors go to `bad`.
template <class T>
std::vector<T> read_folder(const fs::path& folder, T (*read)(const fs::path&),
                           std::vector<Catalogue::BadFile>& bad) {
    std::vector<T> all;
    for (const fs::path& file : data_files(folder)) {
        try {
            all.push_back(read(file));
        } catch (const Error& e) { bad.push_back({file.stem().string(), e.line()}); }
    }
    return all;
}

template <class T>
const T& found(const std::vector<T>& all, const std::string& id, const char* what,
               const std::vector<Catalogue::BadFile>& bad) {
    std::vector<std::string> ids;
    for (const T& one : all) {
        if (one.id == id) {
            return one;
        }
        ids.push_back(one.id);
    }
    for (const Catalogue::BadFile& file : bad) {
        if (file.id == id) {
            throw Error(Error::Code::bad_param,
                        fmt::format("the file of {} \"{}\" is wrong: {}", what, id, file.error));
        }
    }
    throw Error(Error::Code::bad_param, fmt::format("no {} is called \"{}\"", what, id),
                fmt::format("the nearest are {}; `nibble {}s` lists all",
                            fmt::join(nearest_names(id, ids, named_in_hint), ", "), what));
}

template <class T>
const std::string& label_of(const T& one) {
    return one.name;
}
const std::string& label_of(const PublishedSteps& one) {
    return one.title;
}

template <class T>
std::vector<Choice> choices_of(const std::vector<T> Catalogue::*all) {
    std::vector<Choice> choices;
    try {
        for (const T& one : catalogue().*all) {
            choices.push_back({one.id, label_of(one)});
        }
    } catch (const Error&) {  // said again, aloud, by the first lab that asks for the catalogue
    }
    return choices;
}

}  // namespace

const DeviceSheet& Catalogue::device(const std::string& id) const {
    return found(devices, id, "device", bad);
}

const ModelShape& Catalogue::model(const std::string& id) const {
    return found(models, id, "model", bad);
}

const Measurements* Catalogue::measured(const std::string& device_id) const {
    for (const Measurements& m : measurements) {
        if (m.device == device_id) {
            return &m;
        }
    }
    return nullptr;
}

Catalogue read_catalogue(const fs::path& folder) {
    Catalogue c;
    c.devices = read_folder<DeviceSheet>(folder / "hardware", read_device, c.bad);
    c.models = read_folder<ModelShape>(folder / "models", read_model, c.bad);
    c.measurements = read_folder<Measurements>(folder / "measured", read_measurements, c.bad);
    c.published = read_folder<PublishedSteps>(folder / "published", read_published, c.bad);
    // NVIDIA first because most of the measurements are of its machines.
    std::stable_sort(c.devices.begin(), c.devices.end(), [](const auto& a, const auto& b) {
        return std::tuple(a.maker != "NVIDIA", a.maker, -a.bandwidth.value) <
               std::tuple(b.maker != "NVIDIA", b.maker, -b.bandwidth.value);
    });
    std::stable_sort(c.models.begin(), c.models.end(), [](const auto& a, const auto& b) {
        return std::tuple(a.family, a.parameters()) < std::tuple(b.family, b.parameters());
    });
    return c;
}

const Catalogue& catalogue() {
    static const Catalogue all = read_catalogue(data_folder());
    return all;
}

ModelShape model_named(const std::string& id_or_path) {
    return id_or_path.ends_with(".json") ? read_config_json(id_or_path)
                                         : catalogue().model(id_or_path);
}

std::vector<Choice> device_choices() {
    return choices_of(&Catalogue::devices);
}

std::vector<Choice> model_choices() {
    return choices_of(&Catalogue::models);
}

std::vector<Choice> published_choices() {
    return choices_of(&Catalogue::published);
}

}  // namespace nibble
