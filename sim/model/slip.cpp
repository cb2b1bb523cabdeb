#include "sim/model/slip.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace nibble {
namespace {

constexpr auto nowhere = std::string::npos;

Slip cut(const std::string& text, std::size_t at, std::size_t length, std::string wrong) {
    return {text.substr(0, at), text.substr(at, length), std::move(wrong)};
}

/// "In the end the red kite was with Mira": another of the story's people.
std::optional<Slip> slip_in_story(const std::string& text) {
    const std::size_t end = text.find("\nIn the end");
    if (end == nowhere) {
        return {};
    }
    const std::string with = " was with";
    const std::size_t at = text.find(with, end) + with.size();
    const std::string right = text.substr(at, text.find_first_of(",.", at) - at);  // " Mira"
    std::vector<std::string> people;
    for (std::size_t had = text.find(" had a "); had != nowhere;
         had = text.find(" had a ", had + 1)) {
        const std::size_t begin = text.rfind('\n', had) + 1;
        people.push_back(fmt::format(" {}", text.substr(begin, had - begin)));
    }
    const auto found = std::find(people.begin(), people.end(), right);
    if (found == people.end()) {
        return {};
    }
    const auto next = static_cast<std::size_t>(found - people.begin()) + 1;
    return cut(text, at, right.size(), people[next % people.size()]);
}

/// "7+5+0=12" in the last sum that is worked out: a digit one too large.
std::optional<Slip> slip_in_sum(const std::string& text) {
    const std::size_t sum = text.rfind(':');
    if (sum == nowhere) {
        return {};
    }
    const std::size_t second = text.find('=', text.find('=', sum) + 1) + 1;
    std::string wrong = text.substr(second, 2);
    wrong[1] = static_cast<char>('0' + (wrong[1] - '0' + 1) % 10);
    return cut(text, second, 2, wrong);
}

/// "end if" of the first block that closes: another kind of block.
std::optional<Slip> slip_in_code(const std::string& text) {
    constexpr std::string_view end = " end ";
    const std::size_t found = text.find(end);
    if (found == nowhere) {
        return {};
    }
    const std::size_t at = found + end.size() - 1;
    const std::string right = text.substr(at, text.find_first_of(" \n", at + 1) - at);
    return cut(text, at, right.size(), right == " while" ? " if" : " while");
}

/// The sum of a row in the middle: one too large.
std::optional<Slip> slip_in_records(const std::string& text) {
    const auto lines = std::count(text.begin(), text.end(), '\n');
    std::size_t end = text.find('\n');
    for (std::ptrdiff_t i = 0; i < std::max<std::ptrdiff_t>(1, lines / 2); ++i) {
        end = text.find('\n', end + 1);
    }
    const std::size_t at = text.rfind('|', end) + 1;
    const std::string right = text.substr(at, end - at);  // " 21"
    return cut(text, at, right.size(), fmt::format(" {}", std::stoi(right) + 1));
}

}  // namespace

std::optional<Slip> slip_in(Domain domain, const std::string& text) {
    switch (domain) {
        case Domain::stories:
            return slip_in_story(text);
        case Domain::arithmetic:
            return slip_in_sum(text);
        case Domain::code:
            return slip_in_code(text);
        case Domain::records:
            break;
    }
    return slip_in_records(text);
}

}  // namespace nibble
