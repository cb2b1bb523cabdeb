// Weights that can be made again, files as weights, outliers laid over them.
#include "sim/quant/weights.hpp"

#include <cmath>
#include <filesystem>
#include <numeric>

#include "sim/core/parallel.hpp"
#include "sim/tensor/tensor_file.hpp"

#include "tests/catch.hpp"

namespace nibble::weights_test {

namespace fs = std::filesystem;

namespace {

/// A .npy file that goes away with the test.
struct TemporaryFile {
    fs::path path;
    TemporaryFile(const std::string& name, const std::vector<std::int64_t>& shape,
                  const std::vector<float>& values)
        : path(fs::temp_directory_path() / ("nibble-weights-" + name + ".npy")) {
        write_npy(path, shape, values);
    }
    ~TemporaryFile() { fs::remove(path); }
};

std::string refusal(const WeightSource& source) {
    try {
        sample_weights(source, 1, {});
    } catch (const Error& e) {
        CHECK(e.code() == Error::Code::bad_param);
        CHECK_FALSE(e.hint().empty());
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("synthetic weights have variance 1 and can be read from anywhere", "[quantize]") {
    for (const WeightDistribution d :
         {WeightDistribution::normal, WeightDistribution::student_t, WeightDistribution::uniform}) {
        const auto source = synthetic_weights(d, 5, 256, 300, 7);
        const WeightSample all = sample_weights(*source, 1, {});
        double squares = 0, sum = 0;
        for (const float v : all.values) {
            sum += static_cast<double>(v);
            squares += static_cast<double>(v) * static_cast<double>(v);
        }
        const auto count = static_cast<double>(all.values.size());
        // 76800 draws: the mean squares of a normal spread by sqrt(2 / n) = 0.5 %, of a t with 5
        // degrees of freedom (kurtosis 9) by sqrt(8 / n) = 1 %; four of those.
        CHECK(squares / count == Approx(1).margin(0.04));
        CHECK(sum / count == Approx(0).margin(4 / std::sqrt(count)));
        CHECK(all.sigma == 1);
        CHECK(std::accumulate(all.histogram.begin(), all.histogram.end(), 0.0) == count);
        std::vector<float> piece(10);
        source->read(200, 37, piece);
        CHECK(std::equal(piece.begin(), piece.end(), all.row(200).begin() + 37));
    }
}

TEST_CASE("a sample takes every stride-th row, on any number of threads", "[quantize]") {
    const auto source = synthetic_weights(WeightDistribution::normal, 4, 100, 1000, 1);
    const WeightSample all = sample_weights(*source, 1, {});
    for (const int count : {1, 2, 3}) {
        set_threads(count);
        const WeightSample some = sample_weights(*source, 7, {});
        REQUIRE(some.rows.size() == 15);
        CHECK(some.rows[14] == 98);
        CHECK(std::equal(some.row(14).begin(), some.row(14).end(), all.row(98).begin()));
    }
    set_threads(0);
}

TEST_CASE("tensors of files become matrices", "[quantize]") {
    std::vector<float> values(24);
    std::iota(values.begin(), values.end(), 1.0F);
    const TemporaryFile cube("cube", {2, 3, 4}, values), line("line", {24}, values);
    const auto matrix = file_weights(cube.path.string(), "");
    CHECK(matrix->rows == 6);
    CHECK(matrix->cols == 4);
    const auto row = file_weights(line.path.string(), "");
    CHECK(row->rows == 1);
    CHECK(row->cols == 24);
    std::vector<float> piece(3);
    matrix->read(2, 1, piece);
    CHECK(piece == std::vector<float>{10, 11, 12});
    const WeightSample sample = sample_weights(*matrix, 1, {});
    CHECK(sample.values == values);
    CHECK(sample.sigma == Approx(std::sqrt((24.0 * 24 - 1) / 12)));  // of 1 .. 24
    CHECK_THROWS_AS(file_weights(cube.path.string(), "no-such-tensor"), Error);
}

TEST_CASE("weights that cannot be quantized are refused by name", "[quantize]") {
    std::vector<float> values(12, 0.5F);
    values[7] = std::nanf("");
    const TemporaryFile nan("nan", {3, 4}, values);
    CHECK(refusal(*file_weights(nan.path.string(), "")).find("nan at row 1, column 3") !=
          std::string::npos);
    values[7] = INFINITY;
    const TemporaryFile inf("inf", {3, 4}, values);
    CHECK(refusal(*file_weights(inf.path.string(), "")).find("inf at row 1") != std::string::npos);
    values[7] = 3e30F;
    const TemporaryFile large("large", {3, 4}, values);
    CHECK(refusal(*file_weights(large.path.string(), "")).find("3e+30") != std::string::npos);
    const TemporaryFile zeros("zeros", {3, 4}, std::vector<float>(12, 0.0F));
    CHECK(refusal(*file_weights(zeros.path.string(), "")).find("is 0") != std::string::npos);
    // A constant has no spread; its size serves as sigma.
    const TemporaryFile constant("constant", {3, 4}, std::vector<float>(12, -0.25F));
    CHECK(sample_weights(*file_weights(constant.path.string(), ""), 1, {}).sigma == 0.25);
}

TEST_CASE("outliers touch what they should", "[quantize]") {
    const std::vector<float> ones(8, 1.0F);
    const auto row_of = [&](const Outliers& o, std::size_t row, std::size_t first = 0) {
        std::vector<float> v(ones.begin() + static_cast<std::ptrdiff_t>(first), ones.end());
        o.apply(row, first, v);
        return v;
    };
    const Outliers one = place_outliers(OutlierKind::weight, 28, 0.5, 2, 5, 3, 4, 8);
    CHECK(row_of(one, 2) == std::vector<float>{1, 1, 1, 1, 1, 14, 1, 1});
    CHECK(row_of(one, 2, 4) == std::vector<float>{1, 14, 1, 1});
    CHECK(row_of(one, 2, 6) == std::vector<float>{1, 1});
    CHECK(row_of(one, 1) == ones);
    CHECK(one.is_special(2));

    const Outliers columns = place_outliers(OutlierKind::columns, 3, 1, 0, 6, 2, 4, 8);
    CHECK(columns.cols == std::vector<std::size_t>{2, 6});
    CHECK(row_of(columns, 3) == std::vector<float>{1, 1, 3, 1, 1, 1, 3, 1});
    CHECK(columns.touches(0));
    CHECK_FALSE(columns.is_special(0));

    const Outliers rows = place_outliers(OutlierKind::rows, 3, 1, 9, 0, 9, 4, 8);
    CHECK(rows.rows == std::vector<std::size_t>{0, 1, 2, 3});
    CHECK(row_of(rows, 1) == std::vector<float>(8, 3.0F));
    CHECK_FALSE(place_outliers(OutlierKind::none, 3, 1, 0, 0, 1, 4, 8).touches(0));
}

}  // namespace nibble::weights_test
