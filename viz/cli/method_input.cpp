#include "viz/cli/method_input.hpp"

#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json_object.hpp"
#include "viz/cli/terminal.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

Json finite(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

}  // namespace

void add_method_flags(CommandLine& line) {
    for (const auto& p : method_schema()) {
        line.add(p, p.is_advanced ? "Method, more" : "Method");
    }
}

MethodSettings settings_from(const CommandLine& line) {
    const auto& schema = method_schema();
    MethodSettings chosen;
    schema[0].set(chosen, line.value("method"));
    MethodSettings settings = defaults_of(chosen.method);
    for (const auto& p : schema) {
        if (line.given(p.name)) {
            p.set(settings, line.value(p.name));
            if (!p.is_relevant(settings)) {
                note(fmt::format("--{} has no effect on {}", p.name, name(settings.method)));
            }
        }
    }
    return settings;
}

Json settings_json(const MethodSettings& settings) {
    Json json;
    for (const auto& p : method_schema()) {
        if (p.is_relevant(settings)) {
            json[p.name] = json_of(p.get(settings));
        }
    }
    return json;
}

void add_calibration_flags(CommandLine& line, const std::string& prefix) {
    const char* heading = "Calibration";
    line.add(choice_flag(prefix + "domain", domain_names(),
                         "Calibrate on documents of a domain of the corpus that `nibble train` "
                         "learns; on all of them when nothing is named"),
             heading);
    line.add(text_flag(prefix + "text", "Calibrate on a text file."), heading, "FILE");
    line.add(text_flag(prefix + "tokens", "Calibrate on token ids: {\"seqs\": [[ids]]}."), heading,
             "FILE.json");
    line.add(whole_flag(prefix + "documents", 64, {1, 1e6}, "How many documents"), heading);
}

TokenInput calibration_from(const CommandLine& line, const std::string& prefix,
                            const ModelFiles& files) {
    const std::string domain = prefix + "domain", text = prefix + "text",
                      tokens = prefix + "tokens";
    if (line.given(domain) + line.given(text) + line.given(tokens) > 1) {
        throw Error(Error::Code::bad_param, "more than one source of calibration is named",
                    fmt::format("one of --{}, --{} and --{}", domain, text, tokens));
    }
    if (line.given(text)) {
        return {{token_ids_of_text(line.text(text), files)}, line.text(text)};
    }
    if (line.given(tokens)) {
        return {token_ids_of_json(line.text(tokens)), line.text(tokens)};
    }
    std::vector<Domain> domains(all_domains.begin(), all_domains.end());
    if (line.given(domain)) {
        domains = {find_domain(std::get<std::string>(line.value(domain)))};
    }
    const auto count =
        static_cast<std::size_t>(std::get<std::int64_t>(line.value(prefix + "documents")));
    TokenInput input;
    input.what = fmt::format("{} documents of {}", count,
                             domains.size() == 1 ? name(domains[0]) : "all domains");
    for (std::size_t i = 0; i < count; ++i) {
        const Document document =
            make_document(1, Split::train, domains[i % domains.size()], i / domains.size());
        input.sequences.push_back(tokens_of(document, files.needed_tokenizer(), files.config()));
    }
    return input;
}

Json to_json(const LayerReport& report) {
    Json json = {{"name", report.name}};
    if (report.calibration) {
        json["output_error"] = finite(report.calibration->relative());
    }
    if (report.eval) {
        json["eval_error"] = finite(report.eval->relative());
    }
    json["weight_mse"] = finite(report.weight_mse());
    json["sqnr_db"] = finite(report.sqnr_db());
    json["bits_per_weight"] = report.bits_per_weight();
    json["seconds"] = report.seconds;
    return json;
}

}  // namespace nibble
