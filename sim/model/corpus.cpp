#include "sim/model/corpus.hpp"

#include <cmath>
#include <fmt/format.h>

#include "sim/core/error.hpp"
#include "sim/core/text.hpp"

namespace nibble {

std::string_view name(Domain domain) {
    static constexpr std::string_view names[] = {"stories", "arithmetic", "code", "records"};
    return names[static_cast<std::size_t>(domain)];
}

Domain find_domain(std::string_view text) {
    std::vector<std::string> names;
    for (const Domain domain : all_domains) {
        names.emplace_back(name(domain));
        if (names.back() == text) {
            return domain;
        }
    }
    const std::string near = nearest(text, names);
    throw Error(Error::Code::bad_param, fmt::format("there is no domain \"{}\"", text),
                near.empty() ? fmt::format("the domains are {}", fmt::join(names, ", "))
                             : fmt::format("did you mean {}?", near));
}

std::string_view name(Split split) {
    static constexpr std::string_view names[] = {"train", "validation", "test"};
    return names[static_cast<std::size_t>(split)];
}

std::size_t Writer::pick(std::span<const std::string> options, std::span<const double> weights) {
    for (std::size_t i = 0; i < options.size(); ++i) {
        for (std::size_t j = 0; j < options.size(); ++j) {
            NIBBLE_ASSERT(i == j || !options[j].starts_with(options[i]),
                          "the text tells which option was taken");
        }
    }
    const auto weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
    double total = 0;
    for (std::size_t i = 0; i < options.size(); ++i) {
        total += weight(i);
    }
    double left = rng_.uniform(draws_++) * total;
    std::size_t taken = 0;
    for (std::size_t i = 0; i < options.size() && left >= 0; ++i) {
        if (weight(i) > 0) {  // the last possible one when rounding leaves a crumb
            taken = i;
            left -= weight(i);
        }
    }
    nats_ -= std::log(weight(taken) / total);
    text_ += options[taken];
    return taken;
}

int Writer::pick_number(int low, int high, int digits) {
    const auto count = static_cast<std::uint64_t>(high - low + 1);
    const int number = low + static_cast<int>(rng_.below(draws_++, count));
    nats_ += std::log(static_cast<double>(count));
    text_ += fmt::format("{:0{}}", number, digits);
    return number;
}

Document make_document(std::uint64_t seed, Split split, Domain domain, std::uint64_t index) {
    const Rng own = Rng(seed).stream("corpus").stream(name(split)).stream(name(domain));
    Writer writer(Rng(own.bits(index)));
    switch (domain) {
        case Domain::stories:
            write_story(writer);
            break;
        case Domain::arithmetic:
            write_arithmetic(writer);
            break;
        case Domain::code:
            write_code(writer);
            break;
        case Domain::records:
            write_records(writer);
            break;
    }
    Document document = std::move(writer).document();
    document.nats += std::log(static_cast<double>(all_domains.size()));
    return document;
}

}  // namespace nibble
