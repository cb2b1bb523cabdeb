// Everything in data/hardware, data/models, data/measured and data/published, read once: the
// machines and models that the labs offer, and what they are held against. A reader adds one by
// dropping in a file.
//
// A file that is wrong does not take the others down: it is left out, and its error is kept to be
// shown by `nibble devices` and `nibble models`, and by whoever asks for it by name.
#pragma once

#include <string>
#include <vector>

#include "sim/core/param.hpp"
#include "sim/roofline/device_sheet.hpp"
#include "sim/roofline/measurements.hpp"
#include "sim/roofline/model_shape.hpp"
#include "sim/roofline/published.hpp"

namespace nibble {

struct Catalogue {
    std::vector<DeviceSheet> devices;  // by maker, then fastest memory first
    std::vector<ModelShape> models;    // by family, then size
    std::vector<Measurements> measurements;
    std::vector<PublishedSteps> published;
    struct BadFile {
        std::string id;     // the name of the file without its suffix
        std::string error;  // one line
    };
    std::vector<BadFile> bad;  // files left out

    /// Throw Error::bad_param naming the nearest ones.
    const DeviceSheet& device(const std::string& id) const;
    const ModelShape& model(const std::string& id) const;
    /// What was recorded on a device; null when nothing was.
    const Measurements* measured(const std::string& device) const;
};

/// Reads *.toml in hardware, models, measured and published below `folder`. Throws Error::io when
/// it is not there.
Catalogue read_catalogue(const std::filesystem::path& folder);

/// The one of data_folder(), read at the first call. Throws what read_catalogue throws.
const Catalogue& catalogue();

/// A model by its id, or by the path of a config.json. Throws what catalogue(), Catalogue::model
/// and read_config_json throw.
ModelShape model_named(const std::string& id_or_path);

/// The choices of a parameter; none where the data folder is missing, so that the program starts
/// and the labs that need it can say so.
std::vector<Choice> device_choices();
std::vector<Choice> model_choices();
std::vector<Choice> published_choices();

/// A parameter whose field holds the id of a choice; it also takes a path that ends in one of
/// `suffixes`.
template <class P>
Param<P> named(std::string name, std::string P::*field, std::vector<Choice> choices,
               std::vector<std::string> suffixes = {}) {
    Param<P> p = text(std::move(name), field);
    p.type = ParamType::choice;
    // Without data there is nothing to choose from, and the default stands alone.
    const std::string& chosen = std::get<std::string>(p.default_value);
    p.choices = choices.empty() ? std::vector<Choice>{{chosen, chosen}} : std::move(choices);
    p.suffixes = std::move(suffixes);
    return p;
}

template <class P>
Param<P> device_param(std::string name, std::string P::*field) {
    return named(std::move(name), field, device_choices());
}

/// A model of the catalogue, or a config.json of the reader's.
template <class P>
Param<P> model_param(std::string name, std::string P::*field) {
    return named(std::move(name), field, model_choices(), {".json"});
}

}  // namespace nibble
