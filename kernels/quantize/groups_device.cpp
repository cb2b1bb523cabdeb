#include <algorithm>
#include <limits>
#include <stdexcept>

#include "kernels/quantize/groups_kernels.hpp"

namespace nibble::kernels {

/// A matrix in the device's memory with room for everything that is computed of it. On the
/// processor nothing but the caller's own span.
struct DeviceWeights::Inside {
    const Device* device;
    GroupShape room, shape;
    std::span<const float> on_processor;
    // (row, column)
    DeviceArray<float> values, dequantized;
    DeviceArray<std::int16_t> codes;
    // (row, group)
    DeviceArray<float> scale, stored_scale, zero_point, low, high;
    // (row, group, segment)
    DeviceArray<double> squared;
    DeviceArray<float> largest;
    DeviceArray<unsigned> zeros;

    bool is_processor() const { return device->machine() == Machine::cpu; }

    const GroupsKernels& kernels() const {
#if NIBBLE_HAVE_CUDA
        if (device->machine() == Machine::cuda) {
            return cuda::groups_kernels;
        }
#endif
        return emulated::groups_kernels;
    }

    GroupsJob job() {
        GroupsJob j;
        j.rows = static_cast<unsigned>(shape.rows);
        j.columns = static_cast<unsigned>(shape.columns);
        j.group_size = static_cast<unsigned>(shape.group_size);
        j.values = values.data();
        j.scale = scale.data();
        j.stored_scale = stored_scale.data();
        j.zero_point = zero_point.data();
        j.low = low.data();
        j.high = high.data();
        j.squared = squared.data();
        j.largest = largest.data();
        j.zeros = zeros.data();
        return j;
    }

    void launch(const GroupsJob& j, const Grid& grid) const {
        struct Start {
            const GroupsKernels& k;
            const GroupsJob& j;
            void operator()(const IntegerGrid& g) const { k.integer(j, g); }
            void operator()(const Codebook& g) const { k.codebook(j, LevelTable(g)); }
            void operator()(const FloatFormat& g) const { k.small_float(j, g); }
        };
        std::visit(Start{kernels(), j}, grid);
    }

    template <class T>
    void upload(DeviceArray<T>& to, std::span<const T> from) const {
        device->upload(to.data(), from.data(), from.size_bytes());
    }
    template <class T>
    void download(std::span<T> to, const DeviceArray<T>& from) const {
        device->download(to.data(), from.data(), to.size_bytes());
    }
    void upload_scales(const GroupScales& s) {
        const std::size_t groups = shape.groups();
        upload(scale, s.scale.first(groups));
        upload(stored_scale, s.stored_scale.first(groups));
        upload(zero_point, s.zero_point.first(groups));
    }
    /// Folds segments to groups and groups to rows, in the order of the processor's loops.
    void fold_errors(const GroupsJob& j, const MatrixOut& out) const;
};

void DeviceWeights::Inside::fold_errors(const GroupsJob& j, const MatrixOut& out) const {
    const std::size_t per_group = j.segments_per_group();
    const std::size_t segments = shape.groups() * per_group;
    std::vector<double> of_squares(segments);
    std::vector<float> of_largest(segments);
    std::vector<unsigned> of_zeros(segments);
    download<double>(of_squares, squared);
    download<float>(of_largest, largest);
    download<unsigned>(of_zeros, zeros);
    for (std::size_t row = 0, group = 0; row < shape.rows; ++row) {
        RoundingError of_row;
        for (std::size_t g = 0; g < shape.groups_per_row(); ++g, ++group) {
            RoundingError of_group;
            for (std::size_t s = group * per_group; s < (group + 1) * per_group; ++s) {
                of_group += {of_squares[s], of_largest[s], of_zeros[s]};
            }
            if (!out.groups.empty()) {
                out.groups[group] = of_group;
            }
            of_row += of_group;
        }
        if (!out.rows.empty()) {
            out.rows[row] = of_row;
        }
    }
}

DeviceWeights::DeviceWeights(const Device& where, const GroupShape& largest)
    : inside_(std::make_unique<Inside>()) {
    Inside& in = *inside_;
    in.device = &where;
    in.room = in.shape = largest;
    if (in.is_processor()) {
        return;
    }
    if (largest.values() > std::numeric_limits<std::uint32_t>::max()) {
        throw std::length_error("DeviceWeights: more than 2^32 values at once");
    }
    const std::size_t groups = largest.groups();
    in.values = {where, largest.values(), "values"};
    for (auto* of_groups : {&in.scale, &in.stored_scale, &in.zero_point, &in.low, &in.high}) {
        *of_groups = {where, groups, "of groups"};
    }
    const std::size_t segments = groups * in.job().segments_per_group();
    in.squared = {where, segments, "squared errors"};
    in.largest = {where, segments, "largest errors"};
    in.zeros = {where, segments, "zeros"};
}

DeviceWeights::~DeviceWeights() = default;
DeviceWeights::DeviceWeights(DeviceWeights&&) noexcept = default;
DeviceWeights& DeviceWeights::operator=(DeviceWeights&&) noexcept = default;

const Device& DeviceWeights::where() const {
    return *inside_->device;
}

const GroupShape& DeviceWeights::shape() const {
    return inside_->shape;
}

void DeviceWeights::load(std::span<const float> values) {
    Inside& in = *inside_;
    in.shape.rows = values.size() / in.shape.columns;
    if (values.size() % in.shape.columns != 0 || in.shape.rows > in.room.rows) {
        throw std::length_error("DeviceWeights: " + std::to_string(values.size()) +
                                " values are not rows of " + std::to_string(in.shape.columns) +
                                " that there is room for");
    }
    if (in.is_processor()) {
        in.on_processor = values;
    } else {
        in.upload(in.values, values);
    }
}

void group_ranges(const DeviceWeights& weights, std::span<float> low, std::span<float> high) {
    DeviceWeights::Inside& in = weights.inside();
    const GroupShape& shape = in.shape;
    if (in.is_processor()) {
        const std::size_t per_row = shape.groups_per_row();
        for (std::size_t row = 0; row < shape.rows; ++row) {
            group_ranges(in.on_processor.subspan(row * shape.columns, shape.columns),
                         shape.group_size, low.subspan(row * per_row, per_row),
                         high.subspan(row * per_row, per_row));
        }
        return;
    }
    in.kernels().ranges(in.job());
    in.download(low.first(shape.groups()), in.low);
    in.download(high.first(shape.groups()), in.high);
}

namespace {

template <class T>
std::span<T> row_of(std::span<T> all, std::size_t row, std::size_t length) {
    return all.empty() ? all : all.subspan(row * length, length);
}

}  // namespace

void quantize(const DeviceWeights& weights, const GroupScales& scales, const Grid& grid,
              const MatrixOut& out) {
    DeviceWeights::Inside& in = weights.inside();
    const GroupShape& shape = in.shape;
    if (in.is_processor()) {
        const std::size_t columns = shape.columns, per_row = shape.groups_per_row();
        for (std::size_t row = 0; row < shape.rows; ++row) {
            const GroupScales of_row{row_of(scales.scale, row, per_row),
                                     row_of(scales.stored_scale, row, per_row),
                                     row_of(scales.zero_point, row, per_row)};
            const QuantizeOut to{row_of(out.codes, row, columns),
                                 row_of(out.dequantized, row, columns),
                                 row_of(out.groups, row, per_row)};
            const auto values = in.on_processor.subspan(row * columns, columns);
            const RoundingError error = std::visit(
                [&](const auto& g) { return quantize(values, shape.group_size, of_row, g, to); },
                grid);
            if (!out.rows.empty()) {
                out.rows[row] = error;
            }
        }
        return;
    }
    in.upload_scales(scales);
    GroupsJob job = in.job();
    if (!out.codes.empty()) {
        if (in.codes.size() == 0) {
            in.codes = {*in.device, in.room.values(), "codes"};
        }
        job.codes = in.codes.data();
    }
    if (!out.dequantized.empty()) {
        if (in.dequantized.size() == 0) {
            in.dequantized = {*in.device, in.room.values(), "dequantized"};
        }
        job.dequantized = in.dequantized.data();
    }
    in.launch(job, grid);
    if (!out.codes.empty()) {
        in.download(out.codes.first(shape.values()), in.codes);
    }
    if (!out.dequantized.empty()) {
        in.download(out.dequantized.first(shape.values()), in.dequantized);
    }
    in.fold_errors(job, out);
}

std::optional<double> seconds_for_codes(const DeviceWeights& weights, const GroupScales& scales,
                                        const Grid& grid, int passes) {
    DeviceWeights::Inside& in = weights.inside();
    if (in.device->machine() != Machine::cuda) {
        return std::nullopt;
    }
    in.upload_scales(scales);
    if (in.codes.size() == 0) {
        in.codes = {*in.device, in.room.values(), "codes"};
    }
    GroupsJob job = in.job();
    job.codes = in.codes.data();
    double best = std::numeric_limits<double>::infinity();
    for (int pass = 0; pass < passes; ++pass) {
        best = std::min(best, in.device->milliseconds([&] {
            in.kernels().ranges(job);
            in.launch(job, grid);
        }));
    }
    return best / 1000;
}

}  // namespace nibble::kernels
