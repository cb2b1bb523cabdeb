// A model in memory, shared between the runs of the labs that read it.
#pragma once

#include <memory>
#include <string>

#include "sim/core/experiment.hpp"
#include "sim/model/model_files.hpp"

namespace nibble {

struct LoadedModel {
    std::shared_ptr<const ModelFiles> files;
    Model<float> model;
    std::string name;
};

/// `name_or_path` as in open_model(). Throws what opening and reading a model throw.
std::shared_ptr<const LoadedModel> loaded_model(const std::string& name_or_path,
                                                const RunContext& context);

}  // namespace nibble
