#include "sim/tensor/tensor_file.hpp"

#include <cmath>
#include <csignal>
#include <iterator>
#include <limits>
#include <numeric>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <vector>

#include "sim/core/parallel.hpp"
#include "sim/core/rng.hpp"

#include "tests/catch.hpp"
#include "tests/tensor/files.hpp"

namespace nibble::tensor_file_test {

using namespace nibble::test;

namespace {

const float infinity = std::numeric_limits<float>::infinity();
const float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// What calling `action` throws.
template <class Action>
Error thrown_by(const Action& action) {
    try {
        action();
    } catch (const Error& error) { return error; }
    FAIL("nothing thrown");
    throw std::logic_error("unreachable");
}

std::string content(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TensorSummary summary_of(const std::vector<float>& values) {
    const TempFolder folder;
    write_npy(folder.path() / "w.npy", {std::ssize(values)}, values);
    const auto file = TensorFile::open(folder.path() / "w.npy");
    return summarize(*file, file->find("w"));
}

}  // namespace

TEST_CASE("a file that cannot be read is named", "[tensor]") {
    const TempFolder folder;
    const auto refused = [](const std::filesystem::path& path, const std::string& word) {
        const Error error = thrown_by([&] { TensorFile::open(path); });
        INFO(error.line());
        CHECK(error.code() == Error::Code::io);
        CHECK(error.line().find(path.string()) != std::string::npos);
        CHECK(error.line().find(word) != std::string::npos);
    };
    refused(folder.path() / "absent.npy", "No such file");
    refused(folder.write("plain", "x") / "below.npy", "Not a directory");
    refused(folder.path(), "is a directory");
    refused(folder.write("empty.gguf", ""), "is empty");
    refused("/dev/null", "not a regular file");
    REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
    refused(folder.path() / "pipe", "not a regular file");
    if (::geteuid() != 0) {  // root may read everything
        const auto secret = folder.write("secret.npy", "x");
        REQUIRE(::chmod(secret.c_str(), 0) == 0);
        refused(secret, "Permission denied");
    }
}

TEST_CASE("a file of another kind is refused by its first bytes", "[tensor]") {
    check_refused("w.bin", "hello there", Error::Code::bad_file, {"magic", "hello th"});
    check_refused("w.bin", "x", Error::Code::bad_file, {"magic", "\"x\""});
    check_refused("w.txt", std::string(100, '\0'), Error::Code::bad_file, {"magic", "\\x00"});
}

TEST_CASE("an unknown tensor name brings the nearest", "[tensor]") {
    const TempFolder folder;
    const std::vector<float> one = {1};
    write_safetensors(folder.path() / "w.safetensors",
                      {{"model.embed_tokens.weight", {1}, one}, {"model.norm.weight", {1}, one}});
    const auto file = TensorFile::open(folder.path() / "w.safetensors");
    const Error near = thrown_by([&] { file->find("model.norm.wieght"); });
    CHECK(near.code() == Error::Code::bad_param);
    CHECK(near.line().find("model.norm.wieght") != std::string::npos);
    CHECK(near.hint().find("model.norm.weight") != std::string::npos);
    CHECK(thrown_by([&] { file->find("xyz"); }).hint().find("2") != std::string::npos);
}

TEST_CASE("a range outside the tensor is refused", "[tensor]") {
    const TempFolder folder;
    write_npy(folder.path() / "w.npy", {4}, std::vector<float>{1, 2, 3, 4});
    const auto file = TensorFile::open(folder.path() / "w.npy");
    const TensorInfo& w = file->find("w");
    std::vector<float> two(2);
    file->read(w, 2, std::span(two));
    CHECK(two == std::vector<float>{3, 4});
    for (const std::int64_t first : {-1ll, 3ll, 5ll, std::numeric_limits<long long>::max()}) {
        const Error error = thrown_by([&] { file->read(w, first, std::span(two)); });
        CHECK(error.code() == Error::Code::bad_param);
        CHECK(error.line().find("has 4") != std::string::npos);
    }
    TensorInfo elsewhere = w;
    elsewhere.offset += 1;
    CHECK_THROWS_AS(file->raw(elsewhere), BrokenInvariant);
}

TEST_CASE("what the writers write is read back", "[tensor]") {
    const TempFolder folder;
    const std::vector<float> values = {1, -0.0f, infinity, 1e-45f, 3.4e38f, 0.1f};
    for (const std::vector<std::int64_t>& shape :
         {std::vector<std::int64_t>{6}, {2, 3}, {1, 6, 1}, {6, 1, 1, 1}}) {
        write_npy(folder.path() / "w.npy", shape, values);
        const auto file = TensorFile::open(folder.path() / "w.npy");
        CHECK(file->find("w").shape == shape);
        CHECK(file->find("w").offset % 64 == 0);
        CHECK(file->read_all(file->find("w")) == values);
    }
    write_npy(folder.path() / "scalar.npy", {}, std::vector<float>{5});
    const auto scalar = TensorFile::open(folder.path() / "scalar.npy");
    CHECK(scalar->tensors()[0].shape.empty());
    write_npy(folder.path() / "none.npy", {0, 3}, {});
    CHECK(TensorFile::open(folder.path() / "none.npy")->tensors()[0].elements() == 0);

    const std::vector<float> two = {7, 8};
    const std::vector<NamedTensor> tensors = {
        {"z \"first\" \xc3\xa9", {2, 3}, values}, {"empty", {0}, {}}, {"a", {2}, two}};
    write_safetensors(folder.path() / "w.safetensors", tensors, {{"b", "2"}, {"a", "1"}});
    const auto file = TensorFile::open(folder.path() / "w.safetensors");
    REQUIRE(file->tensors().size() == 3);
    CHECK(file->tensors()[0].name == "z \"first\" \xc3\xa9");
    CHECK(file->tensors()[0].offset % 64 == 0);
    CHECK(file->tensors()[0].shape == std::vector<std::int64_t>{2, 3});
    CHECK(file->read_all(file->tensors()[0]) == values);
    CHECK(file->find("empty").elements() == 0);
    CHECK(file->read_all(file->find("a")) == two);
    REQUIRE(file->metadata().size() == 2);
    CHECK(file->metadata()[0].key == "a");
}

TEST_CASE("a writer's bytes are what other programs expect", "[tensor]") {
    const TempFolder folder;
    write_npy(folder.path() / "w.npy", {2}, std::vector<float>{1, 2});
    CHECK(content(folder.path() / "w.npy") ==
          std::string("\x93NUMPY\x01\x00\x76\x00", 10) +
              "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }" + std::string(60, ' ') +
              "\n" + floats({1, 2}));
    const std::vector<float> one = {1};
    write_safetensors(folder.path() / "w.safetensors", {{"x", {1}, one}}, {{"k", "v"}});
    const std::string json =
        R"({"__metadata__":{"k":"v"},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    CHECK(content(folder.path() / "w.safetensors") ==
          safetensors(json + std::string(120 - json.size(), ' '), floats({1})));
}

TEST_CASE("a writer replaces a file whole and leaves nothing beside it", "[tensor]") {
    const TempFolder folder;
    const auto path = folder.path() / "w.npy";
    write_npy(path, {2}, std::vector<float>{1, 2});
    const auto before = TensorFile::open(path);
    write_npy(path, {1}, std::vector<float>{9});
    CHECK(before->read_all(before->find("w")) == std::vector<float>{1, 2});  // the old file, kept
    const auto after = TensorFile::open(path);
    CHECK(after->read_all(after->find("w")) == std::vector<float>{9});

    REQUIRE(std::filesystem::create_directory(folder.path() / "folder.npy"));
    const Error taken =
        thrown_by([&] { write_npy(folder.path() / "folder.npy", {1}, std::vector<float>{1}); });
    CHECK(taken.code() == Error::Code::io);
    CHECK(taken.line().find("folder.npy") != std::string::npos);
    const Error nowhere =
        thrown_by([&] { write_npy(folder.path() / "no" / "w.npy", {1}, std::vector<float>{1}); });
    CHECK(nowhere.code() == Error::Code::io);
    CHECK(nowhere.line().find("No such file") != std::string::npos);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
}

TEST_CASE("a writer that runs out of space keeps the old file", "[tensor]") {
    const TempFolder folder;
    const auto path = folder.path() / "w.npy";
    write_npy(path, {1}, std::vector<float>{3});
    ::rlimit before = {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const ::rlimit small = {1000, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const Error full = thrown_by([&] { write_npy(path, {1000}, std::vector<float>(1000)); });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    CHECK(full.code() == Error::Code::io);
    CHECK(full.line().find(path.string() + ": cannot be written") != std::string::npos);
    CHECK(content(path).size() == 128 + 4);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a writer refuses what its reader would", "[tensor]") {
    const TempFolder folder;
    const std::vector<float> two = {1, 2};
    const auto path = folder.path() / "w";
    const auto refused = [&](const std::string& word, const auto& action) {
        const Error error = thrown_by(action);
        INFO(error.line());
        CHECK(error.code() == Error::Code::bad_param);
        CHECK(error.line().find(word) != std::string::npos);
        CHECK(!std::filesystem::exists(path));
    };
    refused("shape (3)", [&] { write_npy(path, {3}, two); });
    refused("shape (-1, -2)", [&] { write_npy(path, {-1, -2}, two); });
    refused("needs a tensor", [&] { write_safetensors(path, {}); });
    refused("shape (1)", [&] { write_safetensors(path, {{"x", {1}, two}}); });
    refused("F32 or F16", [&] { write_safetensors(path, {{"x", {2}, two}}, {}, DType::bf16); });
    refused("taken", [&] { write_safetensors(path, {{"x", {2}, two}, {"x", {2}, two}}); });
    refused("__metadata__", [&] { write_safetensors(path, {{"__metadata__", {2}, two}}); });
    refused("UTF-8", [&] { write_safetensors(path, {{"\xff", {2}, two}}); });
    refused("UTF-8", [&] { write_safetensors(path, {{"x", {2}, two}}, {{"k", "\xff"}}); });
}

TEST_CASE("a summary leaves out what is not finite, and counts it", "[tensor]") {
    const TensorSummary s =
        summary_of({1, not_a_number, 2, infinity, 4, -infinity, not_a_number, 5});
    CHECK(s.min == 1);
    CHECK(s.max == 5);
    CHECK(s.mean == 3);
    CHECK(s.stddev == std::sqrt(2.5));  // deviations -2, -1, 1, 2
    CHECK(s.nan_count == 2);
    CHECK(s.inf_count == 2);
    for (const TensorSummary& none : {summary_of({}), summary_of({not_a_number, infinity})}) {
        CHECK(std::isnan(none.min));
        CHECK(std::isnan(none.max));
        CHECK(std::isnan(none.mean));
        CHECK(std::isnan(none.stddev));
    }
    CHECK(summary_of({3}).stddev == 0);
}

TEST_CASE("a summary is accurate, and the same on any number of threads", "[tensor]") {
    const Rng rng = Rng(3).stream("summary");
    std::vector<float> values(1 << 20 | 13);
    for (std::size_t i = 0; i < values.size(); ++i) {
        // A mean of 1000 deviations: what a one-pass sum of squares in float gets wrong.
        values[i] = static_cast<float>(1000 + rng.normal(i));
    }
    values[77'777] = not_a_number;
    long double sum = 0, squares = 0;
    const auto n = static_cast<long double>(values.size() - 1);
    for (const float v : values) {
        sum += std::isnan(v) ? 0 : v;
    }
    for (const float v : values) {
        squares += std::isnan(v) ? 0 : (v - sum / n) * (v - sum / n);
    }
    const TempFolder folder;
    write_npy(folder.path() / "w.npy", {std::ssize(values)}, values);
    const auto file = TensorFile::open(folder.path() / "w.npy");
    const int before = threads();
    std::vector<TensorSummary> found;
    for (const int count : {1, 2, 3}) {
        set_threads(count);
        found.push_back(summarize(*file, file->find("w")));
    }
    set_threads(before);
    // Sums of a million doubles in lanes: a few hundred roundings of 1e-16 at most.
    CHECK(found[0].mean == Approx(static_cast<double>(sum / n)).epsilon(1e-13));
    CHECK(found[0].stddev == Approx(static_cast<double>(std::sqrt(squares / n))).epsilon(1e-13));
    CHECK(found[0].nan_count == 1);
    for (const TensorSummary& s : found) {
        CHECK(s.mean == found[0].mean);
        CHECK(s.stddev == found[0].stddev);
        CHECK(s.min == found[0].min);
        CHECK(s.max == found[0].max);
    }
}

TEST_CASE("a summary of wide types does not pass through float", "[tensor]") {
    const TempFolder folder;
    const auto doubles =
        open_bytes(folder, "d.npy", npy(npy_header("<f8", "(2,)"), le(1e300) + le(1e300)));
    const TensorSummary d = summarize(*doubles, doubles->find("d"));
    CHECK(d.max == 1e300);
    CHECK(d.inf_count == 0);
    CHECK(d.stddev == 0);
    const auto integers = open_bytes(
        folder, "i.npy", npy(npy_header("<i8", "(2,)"), le((1ll << 52) + 1) + le((1ll << 52) + 3)));
    const TensorSummary i = summarize(*integers, integers->find("i"));
    CHECK(i.mean == 0x1p52 + 2);
    CHECK(i.stddev == 1);
}

}  // namespace nibble::tensor_file_test
