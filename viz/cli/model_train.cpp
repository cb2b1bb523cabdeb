// `nibble train`: a small Llama from nothing, on the corpus; stopped and gone on with at will.
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/stopwatch.hpp"
#include "sim/core/text.hpp"
#include "sim/model/loss_curve.hpp"
#include "viz/cli/commands.hpp"
#include "viz/cli/terminal.hpp"
#include "viz/cli/text.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

void add_model_train_flags(CommandLine& line) {
    const TrainOptions o;
    line.add(choice_flag("preset", {"target", "draft"}, "The shape of the model"), "Model");
    line.add(whole_flag("hidden", 0, {0, 4096}, "Width of the stream; 0 as in the preset"),
             "Model");
    line.add(whole_flag("inner", 0, {0, 16384}, "Width between; 0 as in the preset"), "Model");
    line.add(whole_flag("layers", 0, {0, 64}, "Layers; 0 as in the preset"), "Model");
    line.add(whole_flag("vocab", 1024, {258, 8192}, "Pieces of the tokenizer, at most"), "Model");
    line.add(whole_flag("steps", o.steps, {1, 1e7}, "Steps in all"), "Training");
    line.add(whole_flag("batch", o.batch, {1, 4096}, "Documents a step"), "Training");
    line.add(real_flag("rate", o.rate, {1e-6, 0.5}, "Largest learning rate"), "Training");
    line.add(real_flag("final_rate", o.final_rate, {0, 0.5}, "Learning rate at the end"),
             "Training");
    line.add(whole_flag("warm_up", o.warm_up, {0, 1e6}, "Steps until the rate is largest"),
             "Training");
    line.add(real_flag("decay", o.decay, {0, 10}, "Weight decay of matrices"), "Training");
    line.add(real_flag("clip", o.clip, {1e-3, 1e6}, "Largest norm of the gradient"), "Training");
    line.add(whole_flag("seed", 1, {0, 0x1p53}, "The same seed gives the same model"), "Run");
    line.add(whole_flag("threads", 0, {0, 1024},
                        "Threads to compute with, 0 for one a core. The result does not change"),
             "Run");
    line.add(text_flag("out", "The folder that the model and the checkpoint are saved in."), "Run",
             "FOLDER");
    line.add(switch_flag("resume", "Go on with the run in that folder; its own options count."),
             "Run");
    line.add(real_flag("save_every", 10, {0.01, 1e6}, "Minutes between checkpoints"), "Run");
    line.add(whole_flag("documents", 100, {1, 1e6}, "Documents a domain to validate on"), "Run");
    line.add(switch_flag("json", "The result as JSON, for programs."), "Output");
    line.footer("Examples", {"nibble train --out tiny --preset draft --steps 500",
                             "nibble train --out tiny --resume"});
}

TrainOptions options_of(const CommandLine& line, Index pieces) {
    TrainOptions o;
    o.config = line.get<std::string>("preset") == "draft" ? draft_config() : target_config();
    for (const auto& [flag, field] : {std::pair{"hidden", &ModelConfig::hidden},
                                      {"inner", &ModelConfig::inner},
                                      {"layers", &ModelConfig::layers}}) {
        if (const auto value = line.get<std::int64_t>(flag); value > 0) {
            o.config.*field = value;
        }
    }
    o.config.vocab = pieces;
    o.steps = line.get<std::int64_t>("steps");
    o.batch = line.get<std::int64_t>("batch");
    o.rate = line.get<double>("rate");
    // A rate below the default's end would otherwise have to be given twice.
    o.final_rate = line.given("final_rate") ? line.get<double>("final_rate") : o.rate / 10;
    o.warm_up = line.get<std::int64_t>("warm_up");
    o.decay = line.get<double>("decay");
    o.clip = line.get<double>("clip");
    o.seed = static_cast<std::uint64_t>(line.get<std::int64_t>("seed"));
    return o;
}

Trainer trainer_of(const CommandLine& line, const std::filesystem::path& folder) {
    if (line.is_on("resume")) {
        return Trainer::resume(folder);
    }
    if (std::filesystem::exists(folder / checkpoint_name)) {
        throw Error(Error::Code::bad_param, fmt::format("{} already holds a run", folder.string()),
                    "--resume goes on with it; another folder starts a new one");
    }
    note("train: learning the tokenizer");
    const auto seed = static_cast<std::uint64_t>(line.get<std::int64_t>("seed"));
    ByteBpe tokenizer =
        corpus_tokenizer(seed, static_cast<std::size_t>(line.get<std::int64_t>("vocab")));
    const auto pieces = static_cast<Index>(tokenizer.pieces.size());
    return Trainer(options_of(line, pieces), std::move(tokenizer));
}

/// Trains until done or interrupted, with a checkpoint now and then and at the end.
bool run_training(Trainer& trainer, const std::filesystem::path& folder, double minutes) {
    using Clock = std::chrono::steady_clock;
    const Interruptible interruptible;
    std::stop_source stop;
    auto saved = Clock::now();
    Progress progress("train");
    const bool finished = train(trainer, stop.get_token(), [&](const TrainProgress& p) {
        progress.show(static_cast<double>(p.point.step) / static_cast<double>(p.steps),
                      fmt::format("step {}/{}, loss {:.4f}, rate {}, {} tokens/s", p.point.step,
                                  p.steps, p.point.loss, format_number(p.rate),
                                  format_number(p.tokens_per_second, 4)));
        if (Interruptible::asked()) {
            stop.request_stop();
        } else if (Clock::now() - saved > std::chrono::duration<double>(60 * minutes)) {
            trainer.save(folder);
            saved = Clock::now();
        }
    });
    trainer.save(folder);
    return finished;
}

}  // namespace

int train_command(const Words& words) {
    CommandLine line("train --out FOLDER [--flags]",
                     "Trains a small Llama on the corpus that this program writes itself. Ctrl+C "
                     "saves; --resume goes on exactly where it stopped.");
    add_model_train_flags(line);
    if (!line.parse(words)) {
        print(line.help());
        return 0;
    }
    if (!line.given("out")) {
        throw Error(Error::Code::bad_param, "no folder is named", "--out FOLDER");
    }
    use_threads(line);
    const std::filesystem::path folder = line.text("out");
    Trainer trainer = trainer_of(line, folder);
    trainer.save(folder);  // a folder that cannot be written shows now, not after an hour
    const auto begin = std::chrono::steady_clock::now();
    const Index before = trainer.losses().empty() ? 0 : trainer.losses().back().tokens;
    const bool finished = run_training(trainer, folder, line.get<double>("save_every"));
    const double seconds = seconds_since(begin);
    if (!finished) {
        note(
            fmt::format("train: stopped after step {} of {} and saved; go on with "
                        "nibble train --out {} --resume",
                        trainer.steps_done(), trainer.options().steps, folder.string()));
        return 128 + 2;
    }
    const Index tokens = trainer.losses().back().tokens;
    Json domains = Json::array();
    Columns table({Align::left, Align::right, Align::right, Align::right, Align::right}, 2);
    table.add({"domain", "loss", "perplexity", "floor", "above it"});
    for (const Domain domain : trainer.options().domains) {
        const DomainScore s = score_domain(
            trainer.model(), trainer.tokenizer(), domain, Split::validation, trainer.options().seed,
            static_cast<std::uint64_t>(line.get<std::int64_t>("documents")));
        domains.push_back({{"domain", name(domain)},
                           {"tokens", s.score.tokens},
                           {"loss", s.score.loss()},
                           {"perplexity", s.score.perplexity()},
                           {"floor_perplexity", s.floor_perplexity()}});
        table.add({std::string(name(domain)), fmt::format("{:.4f}", s.score.loss()),
                   fmt::format("{:.4f}", s.score.perplexity()),
                   fmt::format("{:.4f}", s.floor_perplexity()),
                   fmt::format("{:.1f} %", 100 * s.excess())});
    }
    const double pace = static_cast<double>(tokens - before) / std::max(seconds, 1e-9);
    if (line.is_on("json")) {
        const Json all = {{"folder", folder.string()},
                          {"parameters", trainer.options().config.parameters()},
                          {"steps", trainer.steps_done()},
                          {"tokens", tokens},
                          {"seconds", seconds},
                          {"tokens_per_second", pace},
                          {"loss", trainer.losses().back().loss},
                          {"validation", domains}};
        print(all.dump(2) + "\n");
    } else {
        print(fmt::format("{}: {} parameters, {} steps, {} tokens, {} tokens/s\n\nValidation\n{}",
                          folder.string(),
                          format_count(static_cast<double>(trainer.options().config.parameters())),
                          trainer.steps_done(), format_count(static_cast<double>(tokens)),
                          format_number(pace, 4), table.text()));
    }
    return 0;
}

}  // namespace nibble
