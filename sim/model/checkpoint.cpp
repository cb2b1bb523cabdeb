// A training run on disk: weights, moments, options and losses in one file, so that it is whole or
// not there at all.
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/core/atomic_file.hpp"
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

TrainOptions options_from(const Json& j, const std::string& path) {
    TrainOptions o;
    o.config = config_from_json(j.at("config").dump(), path);
    j.at("seed").get_to(o.seed);
    j.at("steps").get_to(o.steps);
    j.at("batch").get_to(o.batch);
    j.at("rate").get_to(o.rate);
    j.at("final_rate").get_to(o.final_rate);
    j.at("warm_up").get_to(o.warm_up);
    j.at("beta1").get_to(o.beta1);
    j.at("beta2").get_to(o.beta2);
    j.at("epsilon").get_to(o.epsilon);
    j.at("decay").get_to(o.decay);
    j.at("clip").get_to(o.clip);
    o.domains.clear();
    for (const Json& domain : j.at("domains")) {
        o.domains.push_back(find_domain(domain.get<std::string>()));
    }
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

std::vector<LossPoint> losses_from(const std::string& text) {
    std::vector<LossPoint> losses;
    for (const Json& p : Json::parse(text)) {
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
            options_from(Json::parse(metadata.at("options")), path.string());
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
        trainer.losses_ = losses_from(metadata.at("losses"));
        return trainer;
    } catch (const Json::exception& e) {
        no_checkpoint(path, e.what());
    } catch (const std::out_of_range&) {  // of a map's keys and of a number's digits
        no_checkpoint(path, "its metadata is not that of a training run");
    } catch (const std::invalid_argument&) { no_checkpoint(path, "steps_done is no number"); }
}

std::vector<LossPoint> checkpoint_losses(const fs::path& path) {
    try {
        return losses_from(metadata_of(*TensorFile::open(path)).at("losses"));
    } catch (const Json::exception& e) {
        no_checkpoint(path, e.what());
    } catch (const std::out_of_range&) { no_checkpoint(path, "it has no losses"); }
}

}  // namespace nibble
