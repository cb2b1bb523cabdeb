#include "sim/tensor/dtype.hpp"

#include <array>

namespace nibble {
namespace {

struct Row {
    std::string_view name;
    BlockSize size;
};

// In the order of the enumeration.
constexpr std::array<Row, 21> rows = {{
    {"f64", {1, 8}},     {"f32", {1, 4}},     {"f16", {1, 2}},    {"bf16", {1, 2}},
    {"f8_e4m3", {1, 1}}, {"f8_e5m2", {1, 1}}, {"i8", {1, 1}},     {"u8", {1, 1}},
    {"i16", {1, 2}},     {"u16", {1, 2}},     {"i32", {1, 4}},    {"u32", {1, 4}},
    {"i64", {1, 8}},     {"u64", {1, 8}},     {"bool", {1, 1}},   {"q4_0", {32, 18}},
    {"q4_1", {32, 20}},  {"q5_0", {32, 22}},  {"q5_1", {32, 24}}, {"q8_0", {32, 34}},
    {"other", {1, 0}},
}};
static_assert(rows[static_cast<std::size_t>(DType::other)].name == "other");
static_assert(rows[static_cast<std::size_t>(DType::q4_0)].name == "q4_0");

const Row& row(DType dtype) {
    return rows.at(static_cast<std::size_t>(dtype));
}

}  // namespace

BlockSize block_size(DType dtype) {
    return row(dtype).size;
}

std::string_view name(DType dtype) {
    return row(dtype).name;
}

}  // namespace nibble
