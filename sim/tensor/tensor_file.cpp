#include "sim/tensor/tensor_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>

#include "sim/core/parallel.hpp"
#include "sim/core/text.hpp"
#include "sim/tensor/block_codecs.hpp"
#include "sim/tensor/convert.hpp"
#include "sim/tensor/file_mapping.hpp"
#include "sim/tensor/parse.hpp"

namespace nibble {
namespace {

/// Decides by the first bytes; a safetensors file has no magic, so its first brace or its name
/// must do, and a file whose first bytes say nothing is taken for what its name says.
ParsedFile parse(std::span<const std::byte> file, const std::filesystem::path& path) {
    const std::string_view start = as_text(file.first(std::min<std::size_t>(file.size(), 16)));
    const std::string extension = path.extension().string();
    if (start.starts_with("GGUF")) {
        return parse_gguf(file, path);
    }
    if (start.starts_with("\x93NUMPY")) {
        return parse_npy(file, path);
    }
    if (start.starts_with("PK\x03\x04")) {
        throw Error(Error::Code::unsupported,
                    path.string() + ": a zip archive (.npz, or PyTorch's)",
                    "take the arrays out: unzip an .npz, or save with numpy.save or safetensors");
    }
    if (extension == ".safetensors" || (start.size() > 8 && start[8] == '{')) {
        return parse_safetensors(file, path);
    }
    if (extension == ".gguf") {
        return parse_gguf(file, path);
    }
    const std::string found = in_quotes(start.substr(0, 8));
    if (extension == ".npy") {
        throw bad_file(
            path,
            fmt::format("npy magic: the file does not begin with \"\\x93NUMPY\" but {}", found));
    }
    throw bad_file(path, "magic: no .npy, .safetensors or .gguf file; it begins with " + found);
}

/// Any range of a tensor that is stored as it is counted; whole blocks go straight to `out`.
template <class Out>
void read_run(DType dtype, std::span<const std::byte> raw, std::uint64_t first,
              std::span<Out> out) {
    const BlockSize block = block_size(dtype);
    const auto stored = [&](std::uint64_t index, std::uint64_t count) {
        return raw.subspan(index * block.bytes, count * block.bytes);
    };
    std::array<Out, longest_block> one;
    while (!out.empty()) {
        const std::uint64_t index = first / block.elements, skip = first % block.elements;
        std::size_t done = out.size() / block.elements * block.elements;
        if (skip == 0 && done > 0) {
            convert(dtype, stored(index, done / block.elements), out.first(done));
        } else {
            convert(dtype, stored(index, 1), std::span(one).first(block.elements));
            done = std::min<std::size_t>(block.elements - skip, out.size());
            std::copy_n(one.begin() + static_cast<std::ptrdiff_t>(skip), done, out.begin());
        }
        out = out.subspan(done);
        first += done;
    }
}

/// A Fortran-ordered array in row-major order: neighbours along the last axis lie a stride apart.
template <class Out>
void read_fortran(const TensorInfo& tensor, std::span<const std::byte> raw, std::uint64_t first,
                  std::span<Out> out) {
    const std::size_t width = block_size(tensor.dtype).bytes;
    const std::size_t axes = tensor.shape.size();
    std::vector<std::uint64_t> index(axes), stride(axes);
    std::uint64_t step = 1, at = 0;
    for (std::size_t k = 0; k < axes; ++k) {
        stride[k] = step;
        step *= static_cast<std::uint64_t>(tensor.shape[k]);
    }
    for (std::size_t k = axes; k-- > 0;) {
        index[k] = first % static_cast<std::uint64_t>(tensor.shape[k]);
        first /= static_cast<std::uint64_t>(tensor.shape[k]);
        at += index[k] * stride[k];
    }
    std::vector<std::byte> gathered;
    while (!out.empty()) {
        constexpr std::size_t most = 1024;
        const std::size_t count = std::min(most, out.size());
        gathered.resize(count * width);
        for (std::size_t i = 0; i < count; ++i) {
            std::memcpy(gathered.data() + i * width, raw.data() + at * width, width);
            for (std::size_t k = axes; k-- > 0;) {  // the next index, as an odometer turns
                at += stride[k];
                if (++index[k] < static_cast<std::uint64_t>(tensor.shape[k])) {
                    break;
                }
                at -= index[k] * stride[k];
                index[k] = 0;
            }
        }
        convert(tensor.dtype, gathered, out.first(count));
        out = out.subspan(count);
    }
}

template <class Out>
void read_range(const TensorFile& file, const TensorInfo& tensor, std::int64_t first,
                std::span<Out> out) {
    if (tensor.dtype == DType::other) {
        throw Error(Error::Code::unsupported,
                    fmt::format("{}: tensor {} is stored as {}, which is not read",
                                file.path().string(), in_quotes(tensor.name), tensor.type_name),
                    "types that are: " + types_read());
    }
    const std::int64_t elements = tensor.elements();
    if (first < 0 || first > elements ||
        out.size() > static_cast<std::uint64_t>(elements - first)) {
        throw Error(Error::Code::bad_param,
                    fmt::format("{} elements from {} on leave tensor {}, which has {}", out.size(),
                                first, in_quotes(tensor.name), elements));
    }
    const auto raw = file.raw(tensor);
    const BlockSize block = block_size(tensor.dtype);
    NIBBLE_ASSERT(raw.size() == static_cast<std::uint64_t>(elements) / block.elements * block.bytes,
                  "a tensor as its file describes it");
    if (out.empty()) {
        return;
    }
    if (tensor.fortran_order) {
        read_fortran(tensor, raw, static_cast<std::uint64_t>(first), out);
    } else {
        read_run(tensor.dtype, raw, static_cast<std::uint64_t>(first), out);
    }
}

}  // namespace

std::int64_t TensorInfo::elements() const {
    const auto count = checked_elements(shape);
    NIBBLE_ASSERT(count, "shapes are checked when a file is opened");
    return static_cast<std::int64_t>(*count);
}

TensorFile::TensorFile(std::filesystem::path path, std::unique_ptr<const FileMapping> mapping,
                       std::unique_ptr<const ParsedFile> parsed)
    : path_(std::move(path)), mapping_(std::move(mapping)), parsed_(std::move(parsed)) {}

TensorFile::~TensorFile() = default;

std::shared_ptr<const TensorFile> TensorFile::open(const std::filesystem::path& path) {
    auto mapping = std::make_unique<const FileMapping>(path);
    auto parsed = std::make_unique<const ParsedFile>(parse(mapping->bytes(), path));
    return std::shared_ptr<const TensorFile>(
        new TensorFile(path, std::move(mapping), std::move(parsed)));
}

std::string_view TensorFile::format() const {
    return parsed_->format;
}

const std::vector<TensorInfo>& TensorFile::tensors() const {
    return parsed_->tensors;
}

const std::vector<MetadataEntry>& TensorFile::metadata() const {
    return parsed_->metadata;
}

const GgufMetadata* TensorFile::gguf() const {
    return parsed_->gguf.get();
}

std::uint64_t TensorFile::bytes() const {
    return mapping_->bytes().size();
}

const TensorInfo& TensorFile::find(std::string_view name) const {
    const auto& all = tensors();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const TensorInfo& t) { return t.name == name; });
    if (found != all.end()) {
        return *found;
    }
    std::vector<std::string> names;
    std::transform(all.begin(), all.end(), std::back_inserter(names),
                   [](const TensorInfo& t) { return t.name; });
    const std::string near = nearest(name, names);
    throw Error(
        Error::Code::bad_param, fmt::format("{} has no tensor {}", path_.string(), in_quotes(name)),
        near.empty() ? fmt::format("its first of {} is {}", names.size(), in_quotes(names[0]))
                     : fmt::format("did you mean {}?", in_quotes(near)));
}

void TensorFile::read(const TensorInfo& tensor, std::int64_t first, std::span<float> out) const {
    read_range(*this, tensor, first, out);
}

void TensorFile::read(const TensorInfo& tensor, std::int64_t first, std::span<double> out) const {
    read_range(*this, tensor, first, out);
}

std::vector<float> TensorFile::read_all(const TensorInfo& tensor) const {
    read(tensor, 0, std::span<float>());  // refuses the type before memory is taken
    constexpr std::size_t piece = 1 << 18;
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    parallel_for(values.size(), piece, [&](std::size_t begin, std::size_t end) {
        read(tensor, static_cast<std::int64_t>(begin),
             std::span(values).subspan(begin, end - begin));
    });
    return values;
}

std::span<const std::byte> TensorFile::raw(const TensorInfo& tensor) const {
    const auto all = mapping_->bytes();
    NIBBLE_ASSERT(tensor.offset <= all.size() && tensor.bytes <= all.size() - tensor.offset,
                  "a tensor of this file");
    return all.subspan(tensor.offset, tensor.bytes);
}

}  // namespace nibble
