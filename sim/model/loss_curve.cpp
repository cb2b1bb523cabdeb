#include "sim/model/loss_curve.hpp"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <sstream>

#include "sim/core/input_file.hpp"

namespace nibble {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_rows = 500;
constexpr const char* heading = "step,tokens,loss";

/// Reads a number and what follows it; false when there is none.
template <class T>
bool take(std::string_view& text, T& value, char after) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc()) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (after == '\0') {
        return text.empty();
    }
    if (!text.starts_with(after)) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

bool parse(std::string_view text, LossPoint& point) {
    return take(text, point.step, ',') && take(text, point.tokens, ',') &&
           take(text, point.loss, '\0') && std::isfinite(point.loss);
}

std::vector<LossPoint> from_csv(const fs::path& path) {
    std::istringstream in(read_text_file(path));
    std::string line;
    std::getline(in, line);
    const auto refuse = [&](std::size_t number) {
        throw Error(Error::Code::bad_file,
                    fmt::format("{}, line {}: \"{}\"", path.string(), number, line.substr(0, 60)),
                    fmt::format("\"{}\" and rows of three numbers with rising steps and tokens are "
                                "expected, as nibble train writes them",
                                heading));
    };
    if (line != heading) {
        refuse(1);
    }
    std::vector<LossPoint> losses;
    for (std::size_t number = 2; std::getline(in, line); ++number) {
        LossPoint point;
        const LossPoint before = losses.empty() ? LossPoint{} : losses.back();
        if (!parse(line, point) || point.step <= before.step || point.tokens <= before.tokens) {
            refuse(number);
        }
        losses.push_back(point);
    }
    if (losses.empty()) {
        throw Error(Error::Code::bad_file, fmt::format("{} holds no losses", path.string()),
                    "was a step taken?");
    }
    return losses;
}

/// About `single` rows of one step, then rows that grow with the steps before them.
std::size_t steps_in_row(std::size_t first, std::size_t single) {
    return 1 + first / single;
}

std::size_t rows_with(std::size_t steps, std::size_t single) {
    std::size_t rows = 0;
    for (std::size_t first = 0; first < steps; first += steps_in_row(first, single)) {
        ++rows;
    }
    return rows;
}

}  // namespace

std::vector<LossPoint> thinned(const std::vector<LossPoint>& losses, std::size_t most) {
    std::size_t single = losses.size();
    while (single > 1 && rows_with(losses.size(), single) > most) {
        --single;
    }
    std::vector<LossPoint> points;
    Index before = 0;
    for (std::size_t first = 0; first < losses.size();) {
        const std::size_t end = std::min(losses.size(), first + steps_in_row(first, single));
        double nats = 0;
        const Index start = before;
        for (std::size_t i = first; i < end; ++i) {
            nats += losses[i].loss * static_cast<double>(losses[i].tokens - before);
            before = losses[i].tokens;
        }
        points.push_back(
            {losses[end - 1].step, before, nats / static_cast<double>(before - start)});
        first = end;
    }
    return points;
}

std::string losses_csv(const std::vector<LossPoint>& losses) {
    std::string text = fmt::format("{}\n", heading);
    for (const LossPoint& p : thinned(losses, most_rows)) {
        text += fmt::format("{},{},{:.5f}\n", p.step, p.tokens, p.loss);
    }
    return text;
}

std::vector<LossPoint> read_losses(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
        const bool has_table = fs::exists(path / losses_name, ignored);
        return read_losses(path / (has_table ? losses_name : checkpoint_name));
    }
    if (!fs::is_regular_file(path, ignored)) {
        throw Error(Error::Code::io, fmt::format("there are no losses at {}", path.string()),
                    "a folder that `nibble train --out FOLDER` wrote, its losses.csv or its "
                    "checkpoint.safetensors is expected");
    }
    return path.extension() == ".safetensors" ? checkpoint_losses(path) : from_csv(path);
}

}  // namespace nibble
