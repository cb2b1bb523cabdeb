#include "sim/tensor/weight_source.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "sim/core/text.hpp"
#include "sim/tensor/tensor_file.hpp"

namespace nibble {

std::shared_ptr<const WeightSource> synthetic_weights(WeightDistribution distribution, double dof,
                                                      std::size_t rows, std::size_t cols,
                                                      std::uint64_t seed) {
    auto source = std::make_shared<WeightSource>();
    source->rows = rows;
    source->cols = cols;
    const Rng rng = Rng(seed).stream("weights");
    switch (distribution) {
        case WeightDistribution::normal:
            source->name = "normal";
            source->read = [rng, cols](std::size_t row, std::size_t first, std::span<float> out) {
                for (std::size_t i = 0; i < out.size(); ++i) {
                    out[i] = static_cast<float>(rng.normal(row * cols + first + i));
                }
            };
            break;
        case WeightDistribution::student_t:
            source->name = fmt::format("Student t, {} degrees of freedom", format_number(dof));
            source->read = [rng, cols, dof](std::size_t row, std::size_t first,
                                            std::span<float> out) {
                const double to_unit = std::sqrt((dof - 2) / dof);
                for (std::size_t i = 0; i < out.size(); ++i) {
                    out[i] =
                        static_cast<float>(to_unit * rng.student_t(row * cols + first + i, dof));
                }
            };
            break;
        case WeightDistribution::uniform:
            source->name = "uniform";
            source->read = [rng, cols](std::size_t row, std::size_t first, std::span<float> out) {
                const double width = 2 * std::sqrt(3.0);
                for (std::size_t i = 0; i < out.size(); ++i) {
                    out[i] =
                        static_cast<float>(width * (rng.uniform(row * cols + first + i) - 0.5));
                }
            };
            break;
    }
    source->key = fmt::format("{} {} x {} seed {}", source->name, rows, cols, seed);
    return source;
}

std::shared_ptr<const WeightSource> file_weights(const std::string& path,
                                                 const std::string& tensor) {
    const auto file = TensorFile::open(path);
    const auto& all = file->tensors();
    const TensorInfo* chosen = nullptr;
    if (tensor.empty()) {
        const auto matrix = std::find_if(all.begin(), all.end(), [](const TensorInfo& t) {
            return t.shape.size() >= 2 && t.elements() > 0;
        });
        chosen = matrix != all.end() ? &*matrix : &all.front();
    } else {
        chosen = &file->find(tensor);
    }
    if (chosen->elements() == 0) {
        throw Error(Error::Code::bad_param, fmt::format("\"{}\" has no elements", chosen->name),
                    "choose another one with --tensor");
    }
    auto source = std::make_shared<WeightSource>();
    source->cols = chosen->shape.empty() ? 1 : static_cast<std::size_t>(chosen->shape.back());
    source->rows = static_cast<std::size_t>(chosen->elements()) / source->cols;
    source->name = chosen->name.empty() ? path : chosen->name;
    source->key = fmt::format("{}{} \"{}\"", path, file_stamp(path), chosen->name);
    source->synthetic = false;
    source->read = [file, chosen, cols = source->cols](std::size_t row, std::size_t first,
                                                       std::span<float> out) {
        file->read(*chosen, static_cast<std::int64_t>(row * cols + first), out);
    };
    return source;
}

void read_in_order(const WeightSource& source, std::size_t index, std::span<float> out) {
    while (!out.empty()) {
        const std::size_t row = index / source.cols, first = index % source.cols;
        const std::size_t count = std::min(out.size(), source.cols - first);
        source.read(row, first, out.first(count));
        out = out.subspan(count);
        index += count;
    }
}

}  // namespace nibble
