// Text to train on, made by rules: as much as anybody wants, and with a known entropy.
//
// A document is f(seed, split, domain, index). It is written by a chain of random choices; each
// choice shows in the text in a way that tells it from its alternatives, so the text determines the
// choices and the probability of a document is the product of theirs. Hence
//
//     nats(document) = -ln P(document) = sum over choices of -ln P(choice)
//
// exactly, for the very documents a model is evaluated on, and no model can do better on average.
//
// What the floor counts: ln 4 for which domain a document is from, and every choice of the grammar,
// the end of the document among them. What it takes for granted: a reader who knows the rules and
// forgets nothing, so that whatever follows from earlier text (who holds the kite, a carry, which
// block `end` closes, a price seen before) costs nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/rng.hpp"

namespace nibble {

enum class Domain : std::uint8_t { stories, arithmetic, code, records };
inline constexpr std::array<Domain, 4> all_domains = {Domain::stories, Domain::arithmetic,
                                                      Domain::code, Domain::records};
std::string_view name(Domain domain);
/// Throws Error::bad_param naming the nearest domain.
Domain find_domain(std::string_view text);

enum class Split : std::uint8_t { train, validation, test };
std::string_view name(Split split);

struct Document {
    std::string text;
    double nats = 0;  // -ln of its probability
};

Document make_document(std::uint64_t seed, Split split, Domain domain, std::uint64_t index);

/// The chain of choices behind one document; the grammars of corpus_*.cpp write through it.
class Writer {
public:
    explicit Writer(Rng rng) : rng_(rng) {}

    /// Text that follows from what stands before it.
    void say(std::string_view text) { text_ += text; }
    /// Writes one of the options, each as likely as its weight (all alike without weights), and
    /// returns which. No option is the beginning of another: throws BrokenInvariant.
    std::size_t pick(std::span<const std::string> options, std::span<const double> weights = {});
    /// Writes a whole number of `digits` digits, zeros in front, uniform in [low, high].
    int pick_number(int low, int high, int digits);

    Document document() && { return {std::move(text_), nats_}; }

private:
    Rng rng_;
    std::uint64_t draws_ = 0;
    std::string text_;
    double nats_ = 0;
};

void write_story(Writer& writer);
void write_arithmetic(Writer& writer);
void write_code(Writer& writer);
void write_records(Writer& writer);

}  // namespace nibble
