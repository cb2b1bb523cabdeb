#include "sim/model/corpus.hpp"

#include <map>
#include <set>
#include <sstream>

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::corpus_test {

using nibble::testing::error_of;

TEST_CASE("a document is a function of seed, split, domain and index", "[corpus]") {
    std::set<std::string> all;
    for (const Domain domain : all_domains) {
        for (const Split split : {Split::train, Split::validation, Split::test}) {
            for (std::uint64_t i = 0; i < 50; ++i) {
                const Document d = make_document(7, split, domain, i);
                CHECK(make_document(7, split, domain, i).text == d.text);
                CHECK(d.nats > 0);
                CHECK(d.text.back() == '\n');
                all.insert(d.text);
            }
        }
        CHECK(make_document(7, Split::test, domain, 3).text !=
              make_document(8, Split::test, domain, 3).text);
    }
    CHECK(all.size() == 4 * 3 * 50);  // documents of this length do not repeat
}

TEST_CASE("a writer counts the nats of its choices", "[corpus]") {
    Writer writer{Rng(1)};
    const std::vector<std::string> two = {"heads ", "tails "}, one = {"sure "};
    const std::vector<double> weights = {3, 1};
    double expected = 0;
    for (int i = 0; i < 100; ++i) {
        expected -= std::log(writer.pick(two, weights) == 0 ? 0.75 : 0.25);
        writer.pick(one);
        writer.pick_number(10, 19, 3);
        expected += std::log(10.0);
    }
    CHECK(std::move(writer).document().nats == Approx(expected).epsilon(1e-12));

    Writer ambiguous{Rng(1)};
    CHECK_THROWS_AS(ambiguous.pick(std::vector<std::string>{"let", "letter"}), BrokenInvariant);
}

TEST_CASE("an option without weight is never taken", "[corpus]") {
    Writer writer{Rng(5)};
    const std::vector<std::string> options = {"a", "b", "c"};
    const std::vector<double> weights = {0, 1, 0};
    for (int i = 0; i < 1000; ++i) {
        CHECK(writer.pick(options, weights) == 1);
    }
    CHECK(std::move(writer).document().nats == 0);
}

TEST_CASE("the nats of documents agree with how often they come", "[corpus]") {
    // Two documents of the same domain: log P differs by the log of how much rarer one is. Here on
    // a part short enough to be counted: the first person of a story is one of 24, after one of 8
    // openings, which makes exp(-nats) of that prefix 1/192.
    const int n = 8000;
    std::map<std::string, int> counts;
    for (int i = 0; i < n; ++i) {
        const std::string text =
            make_document(1, Split::train, Domain::stories, static_cast<std::uint64_t>(i)).text;
        ++counts[text.substr(0, text.find(" and "))];
    }
    CHECK(counts.size() == 192);
    double chi = 0;
    for (const auto& [prefix, count] : counts) {
        const double expected = n / 192.0;
        chi += (count - expected) * (count - expected) / expected;
    }
    CHECK(chi < 191 + 5 * std::sqrt(2 * 191.0));  // five standard deviations of chi-squared
}

TEST_CASE("what a story says at its end follows from what happened", "[corpus]") {
    for (std::uint64_t i = 0; i < 200; ++i) {
        const std::string text = make_document(1, Split::train, Domain::stories, i).text;
        // The last gift of each thing names its holder.
        const std::size_t end = text.find("In the end");
        REQUIRE(end != std::string::npos);
        for (std::size_t at = text.find(" gave the "); at < end;
             at = text.find(" gave the ", at + 1)) {
            const std::size_t to = text.find(" to ", at), stop = text.find('.', to);
            const std::string thing = text.substr(at + 10, to - at - 10);
            const std::string holder = text.substr(to + 4, stop - to - 4);
            if (text.rfind("gave the " + thing + " to", end) == at + 1) {
                CHECK(contains(text, "the " + thing + " was with " + holder));
            }
        }
    }
}

TEST_CASE("arithmetic is right", "[corpus]") {
    int sums = 0;
    for (std::uint64_t i = 0; i < 100; ++i) {
        std::istringstream lines(make_document(1, Split::train, Domain::arithmetic, i).text);
        std::map<char, int> value;
        int expected = -1;
        for (std::string line; std::getline(lines, line) && line != "end";) {
            REQUIRE(line.size() >= 7);
            if (line[4] == '#') {
                value[line[0]] = std::stoi(line.substr(5));
            } else if (line.find(':') != std::string::npos) {
                const int x = value.at(line[4]), y = value.at(line[8]);
                expected = ((line[6] == '+' ? x + y : x - y) + 1000) % 1000;
            } else {
                value[line[0]] = std::stoi(line.substr(4));
                CHECK(value[line[0]] == expected);
                ++sums;
            }
        }
    }
    CHECK(sums > 100);
}

TEST_CASE("blocks of code close by their names", "[corpus]") {
    for (std::uint64_t i = 0; i < 200; ++i) {
        std::istringstream lines(make_document(1, Split::train, Domain::code, i).text);
        std::vector<std::string> open;
        for (std::string line; std::getline(lines, line);) {
            const std::string word =
                line.substr(std::min(line.find_first_not_of(' '), line.size()));
            if (word.starts_with("fn ")) {
                open.push_back("fn " + word.substr(3, word.find('(') - 3));
            } else if (word.starts_with("for ")) {
                open.push_back("for " + word.substr(4, word.find(" in ") - 4));
            } else if (word.starts_with("if ") || word.starts_with("while ")) {
                open.push_back(word.substr(0, word.find(' ')));
            } else if (word.starts_with("end ")) {
                REQUIRE_FALSE(open.empty());
                CHECK(word == "end " + open.back());
                open.pop_back();
            }
        }
        CHECK(open.empty());
    }
}

TEST_CASE("tables keep their columns, prices and sums", "[corpus]") {
    for (std::uint64_t i = 0; i < 200; ++i) {
        std::istringstream lines(make_document(1, Split::train, Domain::records, i).text);
        std::string line;
        std::getline(lines, line);
        const auto cells = [](const std::string& text) {
            std::vector<std::string> out;
            for (std::size_t at = 0; at != std::string::npos;) {
                const std::size_t bar = text.find(" | ", at);
                out.push_back(text.substr(at, bar == std::string::npos ? bar : bar - at));
                at = bar == std::string::npos ? bar : bar + 3;
            }
            return out;
        };
        const auto header = cells(line);
        std::map<std::string, std::string> price, home;
        int rows = 0;
        while (std::getline(lines, line) && line[0] != '=') {
            const auto row = cells(line[0] == '+' ? line.substr(1) : line);
            REQUIRE(row.size() == header.size());
            std::map<std::string, std::string> cell;
            for (std::size_t c = 0; c < row.size(); ++c) {
                cell[header[c]] = row[c];
            }
            CHECK(std::stoi(cell["no"]) == ++rows);
            CHECK(price.try_emplace(cell["item"], cell["price"]).first->second == cell["price"]);
            CHECK(home.try_emplace(cell["customer"], cell["city"]).first->second == cell["city"]);
            CHECK(std::stoi(cell["price"]) * std::stoi(cell["qty"]) == std::stoi(cell["sum"]));
        }
        CHECK(line == "= " + std::to_string(rows) + " rows");
    }
}

TEST_CASE("an unknown domain is refused by name", "[corpus]") {
    CHECK(find_domain("code") == Domain::code);
    CHECK(contains(error_of([] { find_domain("storys"); }), "did you mean stories?"));
}

}  // namespace nibble::corpus_test
