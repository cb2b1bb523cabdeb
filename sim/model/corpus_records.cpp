// Records: a table whose header says what stands where. Row numbers count up; an item keeps its
// price and a customer their city from their first row on; the last column is price times quantity.
#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "sim/model/corpus.hpp"

namespace nibble {
namespace {

using Words = std::vector<std::string>;

const Words items = {"apple",  "bread", "cheese", "dates", "eggs",    "flour", "grapes",
                     "honey",  "juice", "kale",   "lemon", "milk",    "nuts",  "onion",
                     "pepper", "rice",  "salt",   "tea",   "vanilla", "yeast"};
const Words customers = {"Abel", "Birgit", "Chen", "Diego", "Elif",  "Farid", "Gita",  "Hana",
                         "Ivan", "Jamal",  "Kofi", "Lucia", "Marek", "Noor",  "Priya", "Tariq"};
const Words cities = {"Accra", "Bergen", "Cairo", "Delhi", "Essen", "Fez",  "Genoa", "Hanoi",
                      "Izmir", "Jena",   "Kyoto", "Lima",  "Malmo", "Nice", "Oslo",  "Porto"};
enum Column { item, price, quantity, customer, city };
const Words columns = {"item", "price", "qty", "customer", "city"};

class RecordTable {
public:
    explicit RecordTable(Writer& writer) : writer_(writer) {}

    void write() {
        writer_.say("no");
        Words left = columns;
        while (!left.empty()) {
            writer_.say(" | ");
            // What follows from another column stands to its right.
            Words allowed;
            for (const std::string& c : left) {
                const bool waits = (c == columns[price] && stands(left, item)) ||
                                   (c == columns[city] && stands(left, customer));
                if (!waits) {
                    allowed.push_back(c);
                }
            }
            const std::string taken = allowed[writer_.pick(allowed)];
            left.erase(std::find(left.begin(), left.end(), taken));
            const auto found = std::find(columns.begin(), columns.end(), taken);
            order_.push_back(static_cast<Column>(found - columns.begin()));
        }
        writer_.say(" | sum\n");
        int rows = 0;
        do {
            row(++rows);
        } while (rows < most_rows && goes_on());
        if (rows == most_rows) {
            writer_.say("=");
        }
        writer_.say(fmt::format(" {} rows\n", rows));
    }

private:
    static constexpr int most_rows = 20;

    static bool stands(const Words& in, Column column) {
        return std::find(in.begin(), in.end(), columns[column]) != in.end();
    }

    bool goes_on() {
        static const Words options = {"+", "="};
        static const std::vector<double> weights = {0.85, 0.15};
        return writer_.pick(options, weights) == 0;
    }

    /// A value seen before in `known` follows from `key`; a new one is drawn from `options`.
    void follows(std::map<std::string, std::string>& known, const std::string& key,
                 const Words& options) {
        if (const auto found = known.find(key); !found->second.empty()) {
            writer_.say(found->second);
        } else {
            known[key] = options[writer_.pick(options)];
        }
    }

    /// One that has been in the table half of the time, once there are any.
    std::string who_or_what(const Words& options, std::map<std::string, std::string>& known) {
        std::vector<double> weights;
        const auto old = static_cast<double>(known.size());
        for (const std::string& option : options) {
            weights.push_back(known.contains(option)
                                  ? 0.6 / old
                                  : (old > 0 ? 0.4 : 1.0) /
                                        (static_cast<double>(options.size()) - old));
        }
        const std::string taken = options[writer_.pick(options, weights)];
        known.try_emplace(taken);
        return taken;
    }

    void row(int number) {
        static const Words one_digit = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};
        std::string thing, person;
        writer_.say(std::to_string(number));
        int bought = 0;
        for (const Column column : order_) {
            writer_.say(" | ");
            switch (column) {
                case item:
                    thing = who_or_what(items, prices_);
                    break;
                case customer:
                    person = who_or_what(customers, homes_);
                    break;
                case quantity:
                    bought = 1 + static_cast<int>(writer_.pick(one_digit));
                    break;
                case price:
                    follows(prices_, thing, one_digit);
                    break;
                case city:
                    follows(homes_, person, cities);
                    break;
            }
        }
        writer_.say(fmt::format(" | {}\n", bought * std::stoi(prices_.at(thing))));
    }

    Writer& writer_;
    std::vector<Column> order_;
    std::map<std::string, std::string> prices_, homes_;
};

}  // namespace

void write_records(Writer& writer) {
    RecordTable(writer).write();
}

}  // namespace nibble
