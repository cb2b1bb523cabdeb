// `nibble quantize`: one tensor, or every linear layer of a model, through a method.
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/stopwatch.hpp"
#include "sim/core/text.hpp"
#include "sim/model/shipped.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/quantize_files.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

struct NamedMatrix {
    std::string name;
    std::vector<std::int64_t> shape;
    Matrix<float> values;
};

/// A tensor of two axes or more as rows x last axis; an empty name takes the first such.
NamedMatrix read_matrix(const std::string& path, const std::string& tensor) {
    const auto file = TensorFile::open(path);
    const TensorInfo* info = nullptr;
    if (!tensor.empty()) {
        info = &file->find(tensor);
    }
    for (const TensorInfo& t : file->tensors()) {
        info = info == nullptr && t.shape.size() >= 2 ? &t : info;
    }
    if (!info || info->shape.size() < 2) {
        throw Error(Error::Code::bad_param,
                    info ? fmt::format("{}: \"{}\" has one axis", path, info->name)
                         : fmt::format("{} holds no matrix", path),
                    "a matrix is needed, rows x columns");
    }
    NamedMatrix m{info->name, info->shape, {}};
    const Index cols = info->shape.back();
    m.values.resize(cols == 0 ? 0 : info->elements() / cols, cols);
    file->read(*info, 0, std::span(m.values.values()));
    return m;
}

/// "FILE:TENSOR", or a file alone.
NamedMatrix read_place(const std::string& place) {
    const auto colon = place.rfind(':');
    std::error_code ignored;
    if (colon == std::string::npos || std::filesystem::exists(place, ignored)) {
        return read_matrix(place, "");
    }
    return read_matrix(place.substr(0, colon), place.substr(colon + 1));
}

void check_channels(const NamedMatrix& x, const Matrix<float>& weights, const char* flag) {
    if (x.values.cols() != weights.cols()) {
        throw Error(Error::Code::bad_param,
                    fmt::format("--{}: \"{}\" has {} channels, the weights {} columns", flag,
                                x.name, x.values.cols(), weights.cols()),
                    "it must be (tokens, in_features) of this layer");
    }
}

std::string table_of(const std::vector<LayerReport>& reports) {
    Columns columns({Align::left, Align::right, Align::right, Align::right, Align::right,
                     Align::right, Align::right});
    columns.add({"tensor", "output error", "unseen", "weight mse", "SQNR dB", "bits", "s"});
    const auto error = [](const std::optional<OutputChange>& change) {
        return change ? format_number(change->relative(), 4) : std::string("-");
    };
    for (const LayerReport& r : reports) {
        columns.add({r.name, error(r.calibration), error(r.eval), format_number(r.weight_mse(), 4),
                     format_number(r.sqnr_db(), 4), format_number(r.bits_per_weight(), 5),
                     format_number(r.seconds)});
    }
    return columns.text();
}

/// The totals at the top, every tensor below.
void print_reports(const CommandLine& line, const MethodSettings& settings,
                   std::vector<LayerReport> reports, const std::string& out) {
    const LayerReport total = total_of(reports);
    if (!line.is_on("json")) {
        if (reports.size() > 1) {
            reports.push_back(total);
        }
        print(table_of(reports) + (out.empty() ? "" : fmt::format("\nwritten to {}\n", out)));
        return;
    }
    Json all = {{"method", name(settings.method)}, {"settings", settings_json(settings)}};
    all.update(to_json(total));
    all["name"] = reports.size() == 1 ? reports[0].name : "all";
    if (!out.empty()) {
        all["file"] = out;
    }
    Json list = Json::array();
    for (const LayerReport& report : reports) {
        list.push_back(to_json(report));
    }
    all["tensors"] = list;
    print(all.dump(2) + "\n");
}

void refuse_given(const CommandLine& line, const std::vector<std::string>& flags,
                  const std::string& problem, const std::string& hint) {
    for (const std::string& flag : flags) {
        if (line.given(flag)) {
            throw Error(Error::Code::bad_param, fmt::format("--{} {}", flag, problem), hint);
        }
    }
}

int quantize_tensor(const CommandLine& line, const MethodSettings& settings) {
    refuse_given(line, {"domain", "text", "tokens"}, "goes with a whole model",
                 "a single tensor is calibrated on activations: --calib FILE:TENSOR; `nibble "
                 "capture` saves some");
    const std::string out = line.text("out");
    const NamedMatrix w = read_matrix(line.text("IN"), line.text("tensor"));
    std::optional<NamedMatrix> x, unseen;
    std::optional<LayerInput> input;
    const auto begin = std::chrono::steady_clock::now();
    if (line.given("calib")) {
        x = read_place(line.text("calib"));
        check_channels(*x, w.values, "calib");
        input = observe(x->values.view(), needs_calibration(settings.method));
    } else if (needs_calibration(settings.method)) {
        throw Error(Error::Code::bad_param,
                    fmt::format("{} needs to know what the layer reads", title(settings.method)),
                    "--calib FILE.safetensors:TENSOR, (tokens, in_features)");
    }
    if (line.given("eval")) {
        unseen = read_place(line.text("eval"));
        check_channels(*unseen, w.values, "eval");
        check_finite(unseen->values.view(), "--eval");
    }
    QuantizedLayer layer = quantize_layer(settings, w.values.view(), input ? &*input : nullptr);
    layer.seconds = seconds_since(begin);
    if (!out.empty()) {
        write_stored_safetensors(out,
                                 line.is_on("packed")
                                     ? packed_of(settings, layer, w.name)
                                     : std::vector{float_tensor(w.name, w.shape, layer.weights)},
                                 metadata_of(settings, layer, line.is_on("packed")));
    }
    print_reports(
        line, settings,
        {report_of(w.name, w.values.view(), layer,
                   x ? View<const float>(x->values.view()) : View<const float>{},
                   unseen ? View<const float>(unseen->values.view()) : View<const float>{})},
        out);
    return 0;
}

int quantize_whole_model(const CommandLine& line, const MethodSettings& settings) {
    refuse_given(line, {"calib", "eval"}, "goes with --tensor",
                 "a whole model is calibrated on tokens: --domain, --text or --tokens");
    const auto files = open_model(line.text("IN"));
    ModelQuantization how{.settings = settings, .calibration = {}, .all = line.is_on("all")};
    std::string calibrated_on = "nothing";
    const bool named = line.given("domain") || line.given("text") || line.given("tokens");
    if (named || needs_calibration(settings.method)) {
        TokenInput input = calibration_from(line, "", *files);
        how.calibration = std::move(input.sequences);
        calibrated_on = input.what;
    }
    const std::string out = line.text("out");
    std::optional<UnfinishedModel> unfinished;
    std::vector<LayerReport> resumed;
    if (!out.empty()) {
        unfinished.emplace(out, *files, settings, calibrated_on, line.is_on("packed"), how.all);
        how.finished = [&](LinearId id) { return unfinished->weights_of(id, resumed); };
    }
    const Interruptible interruptible;
    std::stop_source stop;
    Progress progress("quantize");
    RunContext context;
    context.stop = stop.get_token();
    const auto layers = static_cast<double>(files->config().layers * 7 + (how.all ? 1 : 0));
    double done = 0;
    how.done = [&](LinearId id, const QuantizedLayer& layer, const LayerReport& report) {
        if (unfinished) {
            unfinished->keep(id, layer, report);
        }
        progress.show(++done / layers, report.name);
        if (Interruptible::asked()) {
            stop.request_stop();
        }
    };
    QuantizedModel model = [&] {
        try {
            return quantize_model(files->fitting(), how, context);
        } catch (const Error& e) {
            if (e.code() == Error::Code::cancelled && unfinished) {
                throw Error(e.code(), "stopped", "the same command goes on where it stopped");
            }
            throw;
        }
    }();
    resumed.insert(resumed.end(), model.reports.begin(), model.reports.end());
    if (unfinished) {
        unfinished->finish(model.model);
    }
    print_reports(line, settings, std::move(resumed), out);
    return 0;
}

}  // namespace

int quantize_command(const Words& words) {
    CommandLine line("quantize IN --method NAME [--flags]",
                     "Quantizes a layer, or every linear layer of a model, and says what that "
                     "costs: error of the outputs, error of the weights, bits a weight with "
                     "everything counted.");
    line.positional("IN",
                    "A model (target, draft, a folder or .gguf), or a file with the weights that "
                    "--tensor names");
    line.add(text_flag("tensor", "Only this matrix of the file, (out_features, in_features)."),
             "Input", "NAME");
    line.add(text_flag("calib", "What the layer reads, (tokens, in_features), for calibration."),
             "Input", "FILE:TENSOR");
    line.add(text_flag("eval", "Other tokens, to measure the error on unseen ones."), "Input",
             "FILE:TENSOR");
    add_calibration_flags(line, "");
    add_method_flags(line);
    line.add(switch_flag("all", "Of a model also the embeddings and the head."), "Input");
    line.add(text_flag("out",
                       "Write the weights here. Of a model, a run that was stopped goes on "
                       "where it was."),
             "Output", "FILE.safetensors");
    line.add(switch_flag("packed",
                         "Write GPTQ's or AWQ's checkpoint layout (qweight, qzeros, "
                         "scales, g_idx) instead of floats."),
             "Output");
    line.add(switch_flag("json", "As JSON, for programs."), "Output");
    line.add(whole_flag("threads", 0, {0, 1024},
                        "Threads to compute with, 0 for one a core. The result does not change"),
             "Run");
    line.footer(
        "Examples",
        {"nibble quantize layer.safetensors --tensor weights --method awq --calib "
         "layer.safetensors:activations",
         "nibble quantize target --method gptq --bits 3 --act_order --out tiny-3.safetensors"});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    if (line.given("out")) {
        check_output(line.text("out"), {".safetensors"});
    } else if (line.is_on("packed")) {
        throw Error(Error::Code::bad_param, "--packed has nowhere to write", "name a file: --out");
    }
    use_threads(line);
    const MethodSettings settings = settings_from(line);
    if (line.is_on("packed")) {
        layout_of(settings);  // refuses at once, not after the work
    }
    std::error_code ignored;
    const bool is_model = lower_suffix(line.text("IN")) == ".gguf" ||
                          std::filesystem::is_directory(model_path(line.text("IN")), ignored);
    if (!line.given("tensor") && !is_model) {
        throw Error(Error::Code::bad_param,
                    fmt::format("{} is no model, and no tensor is named", line.text("IN")),
                    "--tensor NAME; `nibble inspect` lists them");
    }
    return line.given("tensor") ? quantize_tensor(line, settings)
                                : quantize_whole_model(line, settings);
}

}  // namespace nibble
