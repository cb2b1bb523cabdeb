// What the commands that quantize have in common: the method and its settings, read from the schema
// that the panels use, the tokens to calibrate on, and reports as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sim/quant/quantize_model.hpp"
#include "viz/cli/model_input.hpp"

namespace nibble {

/// Every parameter of the schema.
void add_method_flags(CommandLine& line);
/// The method's defaults, changed by the flags that were given. A flag that this method does not
/// know has no effect, and a note says so.
MethodSettings settings_from(const CommandLine& line);
/// {"method": "gptq", "bits": 4, ...}: what has an effect.
nlohmann::ordered_json settings_json(const MethodSettings& settings);

/// --PREFIXdomain, --PREFIXtext, --PREFIXtokens and --PREFIXdocuments.
void add_calibration_flags(CommandLine& line, const std::string& prefix);
/// What they name; without any, documents of all domains. Documents are of the training split, so
/// that validation and test stay unseen. Throws as tokens_from() does.
TokenInput calibration_from(const CommandLine& line, const std::string& prefix,
                            const ModelFiles& files);

/// output_error and eval_error where they were measured, weight_mse, sqnr_db, bits_per_weight,
/// seconds. A number that is infinite is null.
nlohmann::ordered_json to_json(const LayerReport& report);

}  // namespace nibble
