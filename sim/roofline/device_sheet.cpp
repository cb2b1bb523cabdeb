#include "sim/roofline/device_sheet.hpp"

#include <fmt/format.h>

#include "sim/roofline/toml_table.hpp"

namespace nibble {
namespace {

constexpr double giga = 1e9, tera = 1e12;

/// Every kind of operand by its key.
struct RateKey {
    const char* key;
    std::optional<FlopsPerSecond> MatrixRates::*rate;
};
constexpr RateKey rate_keys[] = {{"fp16", &MatrixRates::fp16},
                                 {"fp16_accumulate_fp16", &MatrixRates::fp16_accumulate_fp16},
                                 {"int8", &MatrixRates::int8},
                                 {"fp8", &MatrixRates::fp8},
                                 {"fp8_accumulate_fp16", &MatrixRates::fp8_accumulate_fp16},
                                 {"int4", &MatrixRates::int4},
                                 {"fp4", &MatrixRates::fp4}};

MatrixRates read_rates(const std::optional<TomlTable>& table) {
    MatrixRates rates;
    for (const RateKey& k : rate_keys) {
        if (const auto tops = table ? table->positive_if(k.key) : std::nullopt) {
            rates.*k.rate = FlopsPerSecond{*tops * tera};
        }
    }
    return rates;
}

}  // namespace

DeviceSheet read_device(const std::filesystem::path& path) {
    const TomlTable file = TomlTable::read(path);
    DeviceSheet d;
    d.id = path.stem().string();
    d.name = file.text("name");
    d.maker = file.text("maker");
    d.memory = {file.positive("memory_gb") * giga};
    d.bandwidth = {file.positive("bandwidth_gb_s") * giga};
    d.board_power = file.positive_if("board_power_w");
    if (const auto link = file.positive_if("link_gb_s")) {
        d.link = BytesPerSecond{*link * giga};
    }
    d.dense = read_rates(file.table_if("dense_tops"));
    const auto sparse = file.table_if("sparse_tops");
    d.sparse = read_rates(sparse);
    for (const RateKey& k : rate_keys) {
        if (d.dense.*k.rate && d.sparse.*k.rate && *(d.dense.*k.rate) > *(d.sparse.*k.rate)) {
            sparse->refuse(k.key, "is below the dense figure",
                           "sheets print the sparse figure, twice the dense one, first");
        }
    }
    const TomlTable source = file.table("source");
    d.sheet = source.text("sheet");
    const std::string grade = source.text("grade");
    if (grade != "A" && grade != "B" && grade != "D") {
        source.refuse("grade", fmt::format("\"{}\" is not A, B or D", grade));
    }
    d.grade = grade[0];
    d.note = source.text_or("note", "");
    file.finish();
    return d;
}

}  // namespace nibble
