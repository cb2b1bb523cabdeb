// Arithmetic: four registers of three digits, set, added and subtracted with every carry written
// down. Reading a register means finding where it was last written.
#include <fmt/format.h>

#include "sim/model/corpus.hpp"

namespace nibble {
namespace {

constexpr int digits = 3, modulus = 1000, most_lines = 7;
const std::vector<std::string> registers = {"a", "b", "c", "d"};

/// Digit by digit from the right: "7+5+0=12" for 7 + 5 without a carry in; the carry is the tens.
int worked(Writer& writer, int x, int y, bool adds) {
    int carry = 0, result = 0, place = 1;
    for (int i = 0; i < digits; ++i) {
        const int p = x / place % 10, q = y / place % 10;
        const int digit = adds ? p + q + carry : p - q - carry;
        const char sign = adds ? '+' : '-';
        writer.say(fmt::format(" {}{}{}{}{}=", p, sign, q, sign, carry));
        carry = adds ? digit / 10 : (digit < 0 ? 1 : 0);
        const int kept = (digit + 10) % 10;
        writer.say(fmt::format("{}{}", carry, kept));
        result += kept * place;
        place *= 10;
    }
    return result;
}

/// One line; false when the document ends instead.
bool line(Writer& writer, std::array<int, 4>& value) {
    static const std::vector<std::string> targets = {"a = ", "b = ", "c = ", "d = ", "end\n"};
    static const std::vector<double> weights = {1, 1, 1, 1, 1.2};
    const std::size_t target = writer.pick(targets, weights);
    if (target == registers.size()) {
        return false;
    }
    std::vector<std::string> sources = registers;
    sources.emplace_back("#");
    static const std::vector<double> source_weights = {1, 1, 1, 1, 0.7};
    const std::size_t left = writer.pick(sources, source_weights);
    if (left == registers.size()) {
        value[target] = writer.pick_number(0, modulus - 1, digits);
    } else {
        static const std::vector<std::string> signs = {" + ", " - "};
        const bool adds = writer.pick(signs) == 0;
        const std::size_t right = writer.pick(registers);
        writer.say(fmt::format(": {:03} {:03}:", value[left], value[right]));
        value[target] = worked(writer, value[left], value[right], adds);
        writer.say(fmt::format("\n{} = {:03}", registers[target], value[target]));
    }
    writer.say("\n");
    return true;
}

}  // namespace

void write_arithmetic(Writer& writer) {
    std::array<int, 4> value{};
    for (std::size_t r = 0; r < registers.size(); ++r) {
        writer.say(registers[r] + " = #");
        value[r] = writer.pick_number(0, modulus - 1, digits);
        writer.say("\n");
    }
    for (int lines = 0; lines < most_lines; ++lines) {
        if (!line(writer, value)) {
            return;
        }
    }
    writer.say("end\n");
}

}  // namespace nibble
