// `nibble devices` and `nibble models`: the machines and models of the labs, each figure with where
// it is from.
#include "sim/roofline/catalogue.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/data_folder.hpp"
#include "sim/core/text.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

Json rates_json(const MatrixRates& r) {
    Json j = Json::object();
    const auto put = [&](const char* key, const std::optional<FlopsPerSecond>& rate) {
        j[key] = rate ? Json(rate->value) : Json(nullptr);
    };
    put("fp16", r.fp16);
    put("fp16_accumulate_fp16", r.fp16_accumulate_fp16);
    put("int8", r.int8);
    put("fp8", r.fp8);
    put("fp8_accumulate_fp16", r.fp8_accumulate_fp16);
    put("int4", r.int4);
    put("fp4", r.fp4);
    return j;
}

Json device_json(const DeviceSheet& d) {
    Json j = {{"id", d.id},
              {"name", d.name},
              {"maker", d.maker},
              {"memory_bytes", d.memory.value},
              {"bandwidth_bytes_per_second", d.bandwidth.value},
              {"dense_operations_per_second", rates_json(d.dense)},
              {"sparse_operations_per_second", rates_json(d.sparse)}};
    j["link_bytes_per_second"] = d.link ? Json(d.link->value) : Json(nullptr);
    j["board_power_watts"] = d.board_power ? Json(*d.board_power) : Json(nullptr);
    j["ridge_fp16_flop_per_byte"] =
        d.dense.fp16 ? Json((*d.dense.fp16 / d.bandwidth).value) : Json(nullptr);
    j["source"] = d.sheet;
    j["grade"] = std::string(1, d.grade);
    j["note"] = d.note;
    const Measurements* m = catalogue().measured(d.id);
    j["measured"] =
        m ? Json{{"machine", m->machine}, {"source", m->source}, {"licence", m->licence}}
          : Json(nullptr);
    return j;
}

Json model_json(const ModelShape& m) {
    Json j = {{"id", m.id},
              {"name", m.name},
              {"family", m.family},
              {"parameters", m.parameters()},
              {"active_parameters", m.active_parameters()},
              {"layers", m.layers},
              {"hidden", m.hidden},
              {"heads", m.heads},
              {"kv_heads", m.kv_heads},
              {"head_dim", m.head_dim},
              {"inner", m.inner},
              {"vocab", m.vocab},
              {"tied", m.tied},
              {"window", m.window},
              {"windowed_layers", m.windowed_layers()}};
    j["experts"] = m.experts ? Json{{"count", m.experts->count},
                                    {"active", m.experts->active},
                                    {"shared", m.experts->shared},
                                    {"inner", m.experts->inner}}
                             : Json(nullptr);
    j["latent"] = m.latent ? Json{{"query_rank", m.latent->query_rank},
                                  {"rank", m.latent->rank},
                                  {"rotary", m.latent->rotary}}
                           : Json(nullptr);
    j["published_parameters"] =
        m.published_parameters ? Json(*m.published_parameters) : Json(nullptr);
    j["source"] = m.source;
    return j;
}

std::string tops(const std::optional<FlopsPerSecond>& rate) {
    return rate ? format_number(rate->value / 1e12, 5) : "-";
}

std::string devices_text() {
    const auto right = Align::right;
    Columns table(
        {Align::left, Align::left, right, right, right, right, right, right, Align::left});
    table.add({"id", "name", "GB", "GB/s", "FP16", "INT8", "FP8", "ridge", "grade, source"});
    for (const DeviceSheet& d : catalogue().devices) {
        table.add({d.id, d.name, format_number(d.memory.value / 1e9, 4),
                   format_number(d.bandwidth.value / 1e9, 5), tops(d.dense.fp16),
                   tops(d.dense.int8), tops(d.dense.fp8),
                   d.dense.fp16 ? format_number((*d.dense.fp16 / d.bandwidth).value) : "-",
                   fmt::format("{}, {}", d.grade, d.sheet)});
    }
    return table.text() +
           "\nFP16, INT8 and FP8 are dense, in 10^12 operations a second, sums in FP32; ridge is "
           "the\n"
           "FP16 peak over the bandwidth, in FLOP per byte. Grade A: seen in the sheet and in an\n"
           "independent text; B: as in the sheet; -: not published.\n";
}

std::string models_text() {
    const auto right = Align::right;
    Columns table({Align::left, right, right, right, right, right, right, right, Align::left});
    table.add({"id", "parameters", "layers", "hidden", "heads", "kv", "head_dim", "KV B/token",
               "source"});
    for (const ModelShape& m : catalogue().models) {
        table.add({m.id, format_si(static_cast<double>(m.parameters()), 4),
                   std::to_string(m.layers), std::to_string(m.hidden), std::to_string(m.heads),
                   std::to_string(m.kv_heads), std::to_string(m.head_dim),
                   format_count(2.0 * static_cast<double>(m.layers * m.cached_elements())),
                   m.source});
    }
    return table.text() + "\nKV B/token is the cache of one token in 16 bits, in bytes.\n";
}

/// Prints one of the two lists and says which files are left out.
template <class T>
int list_data(const Words& words, const char* name, const char* folder, const char* what,
              const std::vector<T> Catalogue::*all, Json (*json)(const T&), std::string (*text)()) {
    CommandLine line(fmt::format("{} [--json | --ids]", name),
                     fmt::format("Names {}, with sources. One is added by a file in {}.", what,
                                 (data_folder() / folder).string()));
    line.add(switch_flag("json", "As JSON, for programs: SI units."), "Output");
    line.add(switch_flag("ids", "Only the ids, one a line, for scripts."), "Output");
    line.footer("Examples",
                {fmt::format("nibble {}", name), fmt::format("nibble {} --json", name)});
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    if (line.is_on("json")) {
        Json list = Json::array();
        for (const T& one : catalogue().*all) {
            list.push_back(json(one));
        }
        print(list.dump(2) + "\n");
    } else if (line.is_on("ids")) {
        std::string ids;
        for (const T& one : catalogue().*all) {
            ids += one.id + "\n";
        }
        print(ids);
    } else {
        print(text());
    }
    for (const Catalogue::BadFile& file : catalogue().bad) {
        note("nibble: left out: " + file.error);
    }
    return catalogue().bad.empty() ? 0 : 1;
}

}  // namespace

int devices_command(const Words& words) {
    return list_data<DeviceSheet>(words, "devices", "hardware", "the machines that the labs know",
                                  &Catalogue::devices, device_json, devices_text);
}

int models_command(const Words& words) {
    return list_data<ModelShape>(words, "models", "models", "the models that the labs know",
                                 &Catalogue::models, model_json, models_text);
}

}  // namespace nibble
