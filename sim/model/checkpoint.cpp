// A training run on disk: weights, moments, options and losses in one file, so that it is whole or
// not there at all.
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/core/atomic_file.hpp"
#include "sim/core/json_object.hpp"
#include "sim/model/loss_curve.hpp"
#include "sim/model/model_files.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int format_version = 1;

Json to_json(const TrainOptions& o) {
    Json domains = Json::array();
    for (const Domain domain : o.domains) {
        domains.push_back(name(domain));
    }
    return {{"config", Json::parse(config_to_json(o.config))},
            {"seed", o.seed},
            {"steps", o.steps},
            {"batch", o.batch},
            {"rate", o.rate},
            {"final_rate", o.final_rate},
            {"warm_up", o.warm_up},
            {"beta1", o.beta1},
            {"beta2", o.beta2},
            {"epsilon", o.epsilon},
            {"decay", o.decay},
            {"clip", o.clip},
            {"domains", domains}};
}

TrainOptions options_from(const JsonObject& j) {
    TrainOptions o;
    o.config = config_from_json(j.object("config").json().dump(), j.where());
    o.seed = j.bits("seed");
    o.steps = j.whole("steps");
    o.batch = j.whole("batch");
    o.rate = j.number("rate");
    o.final_rate = j.number("final_rate");
    o.warm_up = j.whole("warm_up");
    o.beta1 = j.number("beta1");
    o.beta2 = j.number("beta2");
    o.epsilon = j.number("epsilon");
    o.decay = j.number("decay");
    o.clip = j.number("clip");
    o.domains.clear();
    for (const nlohmann::json& domain : j.list("domains")) {
        o.domains.push_back(find_domain(domain.is_string() ? domain.get<std::string>() : ""));
    }
    j.finish();
    return o;
}

/// The metadata of a checkpoint by key.
std::map<std::string, std::string> metadata_of(const TensorFile& file) {
    std::map<std::string, std::string> metadata;
    for (const MetadataEntry& entry : file.metadata()) {
        metadata[entry.key] = entry.value;
    }
    return metadata;
}

Json losses_json(const std::vector<LossPoint>& losses) {
    Json all = Json::array();
    for (const LossPoint& p : losses) {
        all.push_back({p.step, p.tokens, p.loss});
    }
    return all;
}

std::vector<LossPoint> losses_from(const std::string& text, const fs::path& path) {
    std::vector<LossPoint> losses;
    for (const auto& p : parse_json(text, path.string() + ", losses")) {
        losses.push_back({p.at(0).get<Index>(), p.at(1).get<Index>(), p.at(2).get<double>()});
    }
    return losses;
}

[[noreturn]] void no_checkpoint(const fs::path& path, const char* why) {
    throw Error(Error::Code::bad_file,
                fmt::format("{} is no checkpoint of ours: {}", path.string(), why),
                "`nibble train --out FOLDER` writes checkpoint.safetensors");
}

}  // namespace

void Trainer::save(const fs::path& folder) const {
    save_model(folder, options_.config, values_, nibble::to_json(tokenizer_parts_), true);
    const auto count = static_cast<Index>(values_.size());
    write_safetensors(folder / checkpoint_name,
                      {{"weights", {count}, values_}, {"m", {count}, m_}, {"v", {count}, v_}},
                      {{"nibble_checkpoint", std::to_string(format_version)},
                       {"options", to_json(options_).dump()},
                       {"steps_done", std::to_string(steps_done_)},
                       {"losses", losses_json(losses_).dump()},
                       {"tokenizer", nibble::to_json(tokenizer_parts_)}});
    AtomicFile csv(folder / losses_name);
    csv.write(losses_csv(losses_));
    csv.commit();
}

Trainer Trainer::resume(const fs::path& folder) {
    const fs::path path = folder / checkpoint_name;
    if (!fs::exists(path)) {
        throw Error(Error::Code::io, fmt::format("{} holds no checkpoint", folder.string()),
                    "a run that was saved has checkpoint.safetensors there");
    }
    const auto file = TensorFile::open(path);
    try {
        const std::map<std::string, std::string> metadata = metadata_of(*file);
        if (metadata.at("nibble_checkpoint") != std::to_string(format_version)) {
            throw Error(Error::Code::unsupported,
                        fmt::format("{} is a checkpoint of another version", path.string()));
        }
        const TrainOptions options =
            options_from(JsonObject(metadata.at("options"), path.string() + ", options"));
        Trainer trainer(options, byte_bpe_from_json(metadata.at("tokenizer"), path.string()));
        for (const auto& [key, values] :
             {std::pair{"weights", &trainer.values_}, {"m", &trainer.m_}, {"v", &trainer.v_}}) {
            const TensorInfo& info = file->find(key);
            if (info.elements() != static_cast<Index>(values->size())) {
                throw Error(Error::Code::bad_file,
                            fmt::format("{}: \"{}\" has {} values, the model {}", path.string(),
                                        key, info.elements(), values->size()));
            }
            *values = file->read_all(info);
        }
        trainer.steps_done_ = std::stoll(metadata.at("steps_done"));
        trainer.losses_ = losses_from(metadata.at("losses"), path);
        return trainer;
    } catch (const nlohmann::json::exception& e) {
        no_checkpoint(path, e.what());
    } catch (const std::out_of_range&) {  // of a map's keys and of a number's digits
        no_checkpoint(path, "its metadata is not that of a training run");
    } catch (const std::invalid_argument&) { no_checkpoint(path, "steps_done is no number"); }
}

std::vector<LossPoint> checkpoint_losses(const fs::path& path) {
    try {
        return losses_from(metadata_of(*TensorFile::open(path)).at("losses"), path);
    } catch (const nlohmann::json::exception& e) {
        no_checkpoint(path, e.what());
    } catch (const std::out_of_range&) { no_checkpoint(path, "it has no losses"); }
}

}  // namespace nibble
