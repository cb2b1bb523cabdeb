#include "viz/figure/chrome_trace.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/core/error.hpp"

namespace nibble {
namespace {

using Json = nlohmann::ordered_json;

constexpr double microseconds = 1e6;

/// Position of a column; as many as there are when it has none.
std::size_t column(const Table& table, const char* name) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const Table::Column& c) { return c.name == name; });
    return static_cast<std::size_t>(found - table.columns.begin());
}

bool is_schedule(const Table& table) {
    const std::size_t none = table.columns.size();
    return column(table, "lane") < none && column(table, "name") < none &&
           column(table, "start") < none && column(table, "duration") < none;
}

Json json_of(const Table::Cell& cell) {
    return std::visit([](const auto& value) { return Json(value); }, cell);
}

double number_of(const Table::Cell& cell) {
    return std::holds_alternative<double>(cell) ? std::get<double>(cell)
                                                : static_cast<double>(std::get<std::int64_t>(cell));
}

/// Numbers for names, in the order in which they first appear, each announced once.
class Names {
public:
    Names(Json& events, const char* event) : events_(events), event_(event) {}

    int id(const std::string& name, int process) {
        const auto [place, is_new] =
            ids_.try_emplace({process, name}, static_cast<int>(ids_.size()) + 1);
        if (is_new) {
            const bool is_process = process == 0;
            events_.push_back({{"name", event_},
                               {"ph", "M"},
                               {"pid", is_process ? place->second : process},
                               {"tid", is_process ? 0 : place->second},
                               {"args", {{"name", name}}}});
        }
        return place->second;
    }

private:
    Json& events_;
    const char* event_;
    std::map<std::pair<int, std::string>, int> ids_;
};

Json events_of(const Table& table) {
    Json events = Json::array();
    Names processes(events, "process_name"), threads(events, "thread_name");
    const std::size_t lane = column(table, "lane"), name = column(table, "name"),
                      start = column(table, "start"), duration = column(table, "duration"),
                      group = column(table, "group");
    for (const std::vector<Table::Cell>& row : table.rows) {
        const std::string process =
            group < row.size() ? std::get<std::string>(row[group]) : table.name;
        const int pid = processes.id(process, 0);
        const int tid = threads.id(std::get<std::string>(row[lane]), pid);
        Json args = Json::object();
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (i != lane && i != name && i != start && i != duration && i != group) {
                args[table.columns[i].name] = json_of(row[i]);
            }
        }
        events.push_back({{"name", std::get<std::string>(row[name])},
                          {"ph", "X"},
                          {"pid", pid},
                          {"tid", tid},
                          {"ts", number_of(row[start]) * microseconds},
                          {"dur", number_of(row[duration]) * microseconds},
                          {"args", std::move(args)}});
    }
    return events;
}

}  // namespace

bool is_chrome_trace(const std::string& file_name) {
    return file_name.ends_with(".trace.json");
}

std::string chrome_trace_text(const Outcome& outcome, const std::string& scenario) {
    const auto table = std::find_if(outcome.tables.begin(), outcome.tables.end(), is_schedule);
    if (table == outcome.tables.end()) {
        throw Error(Error::Code::bad_param, "this result holds no schedule to write as a trace",
                    "batching and schedulers have one, schedulers of many requests with "
                    "--per_step true; any other .json name writes everything");
    }
    Json whole;
    whole["scenario"] = Json::parse(scenario);
    whole["displayTimeUnit"] = "ms";
    whole["traceEvents"] = events_of(*table);
    return whole.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

}  // namespace nibble
