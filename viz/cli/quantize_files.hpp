// What `nibble quantize` writes: tensors as floats or packed, and, while a model is being worked
// on, its finished layers, so that a stopped run can go on.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/quant/checkpoint_layout.hpp"
#include "viz/cli/method_input.hpp"

namespace nibble {

StoredTensor float_tensor(const std::string& name, const std::vector<std::int64_t>& shape,
                          const Matrix<float>& values);

/// Throws Error::unsupported for methods whose result has no checkpoint layout.
CheckpointLayout layout_of(const MethodSettings& settings);

/// The tensors of `name` packed ("x.weight" becomes "x.qweight" and so on), and AWQ's input scale.
std::vector<StoredTensor> packed_of(const MethodSettings& settings, const QuantizedLayer& layer,
                                    const std::string& name);

/// Method and settings, and "quantization_config" when packed.
std::map<std::string, std::string> metadata_of(const MethodSettings& settings,
                                               const QuantizedLayer& layer, bool packed);

/// The finished layers of a model beside the file that is to be, one file each, in OUT.parts. A
/// part counts when it was made with the same settings from the same model and calibration.
class UnfinishedModel {
public:
    /// Throws Error::io when the folder cannot be made.
    UnfinishedModel(const std::filesystem::path& out, const ModelFiles& files,
                    const MethodSettings& settings, const std::string& calibrated_on, bool packed,
                    bool all);

    /// Of an earlier run; adds its report.
    std::optional<Matrix<float>> weights_of(LinearId id, std::vector<LayerReport>& reports) const;
    void keep(LinearId id, const QuantizedLayer& layer, const LayerReport& report) const;
    /// Writes the whole model and removes the parts.
    void finish(const Model<float>& model) const;

private:
    std::filesystem::path part(LinearId id) const;

    std::filesystem::path out_, folder_;
    const ModelFiles& files_;
    MethodSettings settings_;
    bool packed_, all_;
    std::string key_;
};

}  // namespace nibble
