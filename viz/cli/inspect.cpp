// `nibble inspect FILE`: what is inside a file of tensors, and whether its numbers look sane.
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

#include "sim/core/text.hpp"
#include "sim/tensor/tensor_file.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

/// A tensor and its values' summary, or why there is none.
struct Listed {
    const TensorInfo* info = nullptr;
    std::optional<TensorSummary> summary;
    std::string unread;
};

std::vector<Listed> listed(const TensorFile& file, const std::string& only, bool headers_only) {
    std::vector<Listed> all;
    if (!only.empty()) {
        all.push_back({&file.find(only), {}, {}});
    } else {
        for (const TensorInfo& info : file.tensors()) {
            all.push_back({&info, {}, {}});
        }
    }
    Progress progress("inspect");
    for (std::size_t i = 0; i < all.size() && !headers_only; ++i) {
        progress.show(static_cast<double>(i) / static_cast<double>(all.size()),
                      fmt::format("{}/{} tensors", i, all.size()));
        try {
            all[i].summary = summarize(file, *all[i].info);
        } catch (const Error& e) {
            if (e.code() != Error::Code::unsupported) {
                throw;
            }
            all[i].unread = e.line();
        }
    }
    return all;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
    return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, " x "));
}

std::string cut(const std::string& text, std::size_t columns) {
    const std::string line = one_line(text);
    if (columns_of(line) <= columns) {
        return line;
    }
    std::size_t end = 0;
    for (std::size_t seen = 0; end < line.size(); ++end) {
        if ((static_cast<unsigned char>(line[end]) & 0xc0u) != 0x80u && ++seen + 3 > columns) {
            break;
        }
    }
    return line.substr(0, end) + "...";
}

std::string metadata_text(const TensorFile& file) {
    std::size_t widest = 0;
    for (const MetadataEntry& entry : file.metadata()) {
        widest = std::max(widest, columns_of(one_line(entry.key)));
    }
    Columns columns({Align::left, Align::left}, 2);
    for (const MetadataEntry& entry : file.metadata()) {
        const std::size_t room = page_width() - std::min(page_width() - 20, widest + 4);
        columns.add({one_line(entry.key), cut(entry.value, room)});
    }
    return file.metadata().empty() ? "" : "\nMetadata\n" + columns.text();
}

std::string tensors_text(const std::vector<Listed>& all) {
    const Align l = Align::left, r = Align::right;
    Columns columns({l, l, r, r, r, r, r, r, r, r, l}, 2);
    columns.add({"name", "type", "shape", "bytes", "min", "max", "mean", "std", "NaN", "inf", ""});
    for (const Listed& t : all) {
        std::vector<std::string> cells = {one_line(t.info->name), t.info->type_name,
                                          shape_text(t.info->shape),
                                          format_bytes(static_cast<double>(t.info->bytes))};
        if (t.summary) {
            for (const double v :
                 {t.summary->min, t.summary->max, t.summary->mean, t.summary->stddev}) {
                cells.push_back(format_number(v));
            }
            cells.push_back(std::to_string(t.summary->nan_count));
            cells.push_back(std::to_string(t.summary->inf_count));
        }
        cells.resize(10);
        cells.push_back(t.unread);
        columns.add(std::move(cells));
    }
    return "\nTensors\n" + columns.text();
}

std::string heading(const TensorFile& file) {
    double elements = 0;
    for (const TensorInfo& info : file.tensors()) {
        elements += static_cast<double>(info.elements());
    }
    const std::size_t count = file.tensors().size();
    return fmt::format("{}: {}, {}, {} tensor{}, {} values\n", file.path().string(), file.format(),
                       format_bytes(static_cast<double>(file.bytes())), count,
                       count == 1 ? "" : "s", format_count(elements));
}

Json to_json(const TensorFile& file, const std::vector<Listed>& all) {
    const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
    Json whole = {{"file", file.path().string()},
                  {"format", file.format()},
                  {"bytes", file.bytes()},
                  {"metadata", Json::object()},
                  {"tensors", Json::array()}};
    for (const MetadataEntry& entry : file.metadata()) {
        whole["metadata"][entry.key] = entry.value;
    }
    for (const Listed& t : all) {
        Json one = {{"name", t.info->name},     {"type", t.info->type_name},
                    {"shape", t.info->shape},   {"elements", t.info->elements()},
                    {"offset", t.info->offset}, {"bytes", t.info->bytes}};
        if (t.summary) {
            one["min"] = number(t.summary->min);
            one["max"] = number(t.summary->max);
            one["mean"] = number(t.summary->mean);
            one["std"] = number(t.summary->stddev);
            one["nan_count"] = t.summary->nan_count;
            one["inf_count"] = t.summary->inf_count;
        }
        if (!t.unread.empty()) {
            one["unread"] = t.unread;
        }
        whole["tensors"].push_back(one);
    }
    return whole;
}

}  // namespace

int inspect_command(const Words& words) {
    CommandLine line("inspect FILE [--tensor NAME] [--headers] [--json]",
                     "Lists the metadata and the tensors of a .npy, .safetensors or .gguf file: "
                     "shapes, types, sizes, and smallest, largest, mean and spread of the finite "
                     "values.");
    line.positional("FILE", "A file of tensors.");
    line.add(text_flag("tensor", "Only this one."), "Output", "NAME");
    line.add(switch_flag("headers", "Do not read the values: quick for a large file."), "Output");
    line.add(switch_flag("json", "As JSON, for programs."), "Output");
    line.footer("Examples",
                {"nibble inspect model.safetensors", "nibble inspect model.gguf --json"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    const auto file = TensorFile::open(line.text("FILE"));
    const std::vector<Listed> all = listed(*file, line.text("tensor"), line.is_on("headers"));
    if (line.is_on("json")) {
        print(to_json(*file, all).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
        return 0;
    }
    print(heading(*file) + metadata_text(*file) + tensors_text(all));
    return 0;
}

}  // namespace nibble
