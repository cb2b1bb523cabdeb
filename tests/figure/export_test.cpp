// Exports: each format is what it says, carries the scenario, and comes back; hostile files are
// refused by name.
#include "viz/figure/export.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <png.h>
#include <set>
#include <sstream>
#include <unistd.h>

#include "sim/core/rng.hpp"
#include "viz/figure/csv.hpp"
#include "viz/figure/embed.hpp"
#include "viz/figure/svg_canvas.hpp"

#include "tests/catch.hpp"
#include "tests/figure/samples.hpp"

namespace nibble::export_test {

namespace fs = std::filesystem;

namespace {

struct Params {
    int bits = 4;
    double outlier = 28;
    std::string name = "w";
};

/// An experiment of our own: these tests are about files, not about quantizers.
Experiments experiments() {
    return {define<Params, int>(
        "sample", "Tests", "Sample (of \\files)", "Does it come back?",
        {integer("bits", &Params::bits, {2, 8}).help("Bits."),
         real("outlier", &Params::outlier, {0, 100}).help("Outlier."),
         text("name", &Params::name).help("A name.")},
        +[](const Params& p, const RunContext&) { return p.bits; },
        +[](const Params&, const int&) { return Outcome{}; })};
}

Scenario scenario() {
    Scenario s;
    s.experiment = "sample";
    s.values = {std::int64_t(3), 12.345678901234567,
                std::string("a <b> & \"c\" ]]> (d) \\ é – 漢 --> \x7f %PDF")};
    s.seed = 12345678901234567890ULL;
    return s;
}

/// A folder of its own for each test, gone afterwards.
struct Folder {
    fs::path path = fs::temp_directory_path() /
                    ("nibble-export-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    Folder() { fs::create_directories(path); }
    ~Folder() {
        fs::permissions(path, fs::perms::owner_all, fs::perm_options::add);
        fs::remove_all(path);
    }
    static inline int count = 0;
};

std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

std::string output_of(const std::string& command) {
    std::string text;
    FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
    char buffer[4096];
    while (std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) {
        text.append(buffer, n);
    }
    const int status = pclose(pipe);
    return status == 0 ? text : "failed: " + text;
}

/// The code of the error that `f` throws; its text must name `word`.
template <class F>
Error::Code error_of(const F& f, const std::string& word) {
    try {
        f();
    } catch (const Error& e) {
        CAPTURE(e.line());
        CHECK(e.line().find(word) != std::string::npos);
        CHECK(e.line().find('\n') == std::string::npos);
        return e.code();
    }
    FAIL("no error");
    return {};
}

struct Picture {
    png_uint_32 width = 0, height = 0;
    std::set<std::uint32_t> colours;
};

Picture decoded(const fs::path& path) {
    png_image image = {};
    image.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_file(&image, path.c_str()) != 0);
    image.format = PNG_FORMAT_RGBA;
    std::vector<std::uint32_t> pixels(std::size_t(image.width) * image.height);
    REQUIRE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr) != 0);
    return {image.width, image.height, {pixels.begin(), pixels.end()}};
}

/// Tags balance and entities are known: enough of XML to notice a slip, without a parser's help.
bool tags_balance(const std::string& xml) {
    std::vector<std::string> open;
    for (std::size_t at = 0; (at = xml.find('<', at)) != std::string::npos; ++at) {
        const std::size_t end = xml.find('>', at);
        const std::string tag = xml.substr(at + 1, end - at - 1);
        if (tag.starts_with("?") || tag.ends_with("/")) {
            continue;
        }
        const std::string name = tag.substr(0, tag.find(' '));
        if (!name.starts_with("/")) {
            open.push_back(name);
        } else if (open.empty() || "/" + open.back() != name) {
            return false;
        } else {
            open.pop_back();
        }
    }
    return open.empty();
}

}  // namespace

TEST_CASE("the scenario comes back from every format", "[figure][export]") {
    const Folder folder;
    const Experiments all = experiments();
    for (const std::string& suffix : export_suffixes()) {
        const fs::path path = folder.path / ("chart" + suffix);
        export_outcome(samples::quantizer_panel(), scenario(), all, path);
        CAPTURE(suffix);
        Scenario back = read_scenario(path, all);
        CHECK(back.written_by == NIBBLE_VERSION);
        back.written_by.clear();
        CHECK(back == scenario());
        // By content: a renamed file is the same file.
        const fs::path renamed = folder.path / "renamed.txt";
        fs::rename(path, renamed);
        CHECK(read_scenario(renamed, all).values == scenario().values);
    }
    const fs::path plain = folder.path / "scenario.json";
    write(plain, to_json_text(scenario(), all));
    CHECK(read_scenario(plain, all).values == scenario().values);
}

TEST_CASE("an SVG is valid XML whose text is text", "[figure][export]") {
    const Folder folder;
    const fs::path path = folder.path / "chart.svg";
    Outcome outcome = samples::quantizer_panel();
    outcome.finding = "Tom & Jerry < \"3\" > 2 \x01\x1f]]> \xff é";
    export_outcome(outcome, scenario(), experiments(), path);
    const std::string svg = content(path);
    CHECK(tags_balance(svg));
    CHECK(svg.find("<text") != std::string::npos);
    CHECK(svg.find(">weight value, sigma</text>") != std::string::npos);
    CHECK(svg.find("Tom &amp; Jerry &lt; &quot;3&quot; &gt; 2 ]]&gt; \ufffd é</title>") !=
          std::string::npos);
    CHECK(svg.find("font-family=\"Inter, 'Helvetica Neue', Arial, sans-serif\"") !=
          std::string::npos);
    CHECK(svg.find("<path") == std::string::npos);  // no outlines of letters
    for (const char c : svg) {
        CHECK_FALSE((static_cast<unsigned char>(c) < 0x20 && c != '\n'));
    }
    if (std::system("command -v xmllint >/dev/null") == 0) {
        CHECK(output_of("xmllint --noout '" + path.string() + "'").empty());
    }
}

TEST_CASE("every sample is valid SVG", "[figure][export]") {
    for (const auto& sample : samples::all_marks()) {
        const Folder folder;
        const fs::path path = folder.path / "chart.svg";
        export_outcome(samples::outcome_of(sample.figure), scenario(), experiments(), path);
        CAPTURE(sample.name);
        CHECK(tags_balance(content(path)));
    }
}

TEST_CASE("a PNG has the asked size and is not blank", "[figure][export]") {
    const Folder folder;
    const fs::path path = folder.path / "chart.png";
    ExportOptions options;
    options.size = {333, 250};
    options.scale = 1.5F;
    for (const ThemeKind theme : {ThemeKind::dark, ThemeKind::light, ThemeKind::print}) {
        options.theme = theme;
        export_outcome(samples::quantizer_panel(), scenario(), experiments(), path, options);
        const Picture picture = decoded(path);
        CHECK(picture.width == 500);  // 333 * 1.5, rounded
        CHECK(picture.height == 375);
        CHECK(picture.colours.size() > 100);
    }
}

TEST_CASE("a PDF holds its title as text", "[figure][export]") {
    const Folder folder;
    const fs::path path = folder.path / "chart.pdf";
    export_outcome(samples::quantizer_panel(), scenario(), experiments(), path);
    CHECK(content(path).starts_with("%PDF-1.4"));
    if (std::system("command -v pdftotext >/dev/null") == 0) {
        const std::string text = output_of("pdftotext '" + path.string() + "' -");
        CHECK(text.find("One outlier takes the resolution") != std::string::npos);
        CHECK(text.find("nibble run sample") != std::string::npos);
        CHECK(text.find("histogram of every fourth weight") != std::string::npos);
    }
}

TEST_CASE("a CSV holds every number to the last bit", "[figure][export]") {
    Outcome outcome = samples::outcome_of({});
    Figure& f = outcome.rows[0].figures[0];
    f.id = "f,1";
    f.marks = {Line{"a \"b\" #c", Role::subject, {0.1, 1.0 / 3}, {1e-300, NAN}},
               Bars{{"x", "y"}, {{"s", Role::subject, {1, 2}}}}};
    CHECK(csv_text(outcome) ==
          "figure,mark,series,x,y,low,high,value,label\n"
          "\"f,1\",line,\"a \"\"b\"\" #c\",0.1,1e-300,,,,\n"
          "\"f,1\",line,\"a \"\"b\"\" #c\",0.3333333333333333,,,,,\n"
          "\"f,1\",bars,s,,,,,1,x\n"
          "\"f,1\",bars,s,,,,,2,y\n");
    for (const auto& sample : samples::all_marks()) {
        std::istringstream lines(csv_text(samples::outcome_of(sample.figure)));
        std::string line;
        int rows = 0;
        while (std::getline(lines, line)) {
            bool quoted = false;
            int commas = 0;
            for (const char c : line) {
                quoted = quoted != (c == '"');
                commas += c == ',' && !quoted ? 1 : 0;
            }
            CAPTURE(sample.name, line);
            CHECK((commas == 8 || sample.name == "tokens"));  // a token may be a line break
            ++rows;
        }
        CAPTURE(sample.name);
        CHECK(rows > 1);
    }
}

TEST_CASE("a JSON holds the scenario and the figures", "[figure][export]") {
    const Folder folder;
    const fs::path path = folder.path / "chart.json";
    export_outcome(samples::quantizer_panel(), scenario(), experiments(), path);
    const auto json = nlohmann::json::parse(content(path));
    CHECK(json["scenario"]["experiment"] == "sample");
    CHECK(json["figures"].size() == 4);
}

TEST_CASE("one figure can be exported alone", "[figure][export]") {
    const Folder folder;
    const fs::path path = folder.path / "chart.svg";
    ExportOptions options;
    options.figure = "histogram";
    export_outcome(samples::quantizer_panel(), scenario(), experiments(), path, options);
    const std::string svg = content(path);
    CHECK(svg.find(">weight value, sigma<") != std::string::npos);
    CHECK(svg.find(">mean squared error<") == std::string::npos);
    options.figure = "histogran";
    CHECK(error_of(
              [&] {
                  export_outcome(samples::quantizer_panel(), scenario(), experiments(), path,
                                 options);
              },
              "histogram") == Error::Code::bad_param);
}

TEST_CASE("bad export options are refused by name", "[figure][export]") {
    const Folder folder;
    const auto with = [&](const std::string& name, Size size, float scale) {
        ExportOptions options;
        options.size = size;
        options.scale = scale;
        export_outcome(samples::quantizer_panel(), scenario(), experiments(), folder.path / name,
                       options);
    };
    using enum Error::Code;
    CHECK(error_of([&] { with("a.bmp", {640, 480}, 1); }, ".bmp") == bad_param);
    CHECK(error_of([&] { with("plain", {640, 480}, 1); }, "suffix") == bad_param);
    CHECK(error_of([&] { with("a.png", {63, 480}, 1); }, "63") == bad_param);
    CHECK(error_of([&] { with("a.png", {640, 9000}, 1); }, "9000") == bad_param);
    CHECK(error_of([&] { with("a.png", {NAN, 480}, 1); }, "nan") == bad_param);
    CHECK(error_of([&] { with("a.png", {8192, 8192}, 1); }, "32 Mi") == bad_param);
    CHECK(error_of([&] { with("a.png", {640, 480}, -1); }, "scale") == bad_param);
    CHECK(error_of([&] { with("no/such/a.svg", {640, 480}, 1); }, "no/such") == io);
    fs::create_directories(folder.path / "folder.svg");
    CHECK(error_of([&] { with("folder.svg", {640, 480}, 1); }, "folder.svg") == io);
}

TEST_CASE("a file that cannot be written leaves nothing behind and the old one intact",
          "[figure][export]") {
    const Folder folder;
    const fs::path path = folder.path / "chart.svg";
    write(path, "old");
    // /dev/full accepts nothing: the disk is full.
    CHECK(error_of(
              [&] {
                  export_outcome(samples::quantizer_panel(), scenario(), experiments(),
                                 "/dev/full/chart.svg");
              },
              "/dev/full") == Error::Code::io);
    if (geteuid() != 0) {  // root may write anywhere
        fs::permissions(folder.path, fs::perms::owner_read | fs::perms::owner_exec);
        CHECK(error_of(
                  [&] {
                      export_outcome(samples::quantizer_panel(), scenario(), experiments(), path);
                  },
                  "chart.svg") == Error::Code::io);
        fs::permissions(folder.path, fs::perms::owner_all);
    }
    CHECK(content(path) == "old");
    CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
    export_outcome(samples::quantizer_panel(), scenario(), experiments(), path);
    CHECK(content(path).starts_with("<?xml"));
    CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("files without a scenario are refused, naming the file", "[figure][export]") {
    const Folder folder;
    const Experiments all = experiments();
    const auto refused = [&](const std::string& bytes) {
        const fs::path path = folder.path / "some file.dat";
        write(path, bytes);
        return error_of([&] { read_scenario(path, all); }, "some file.dat");
    };
    using enum Error::Code;
    CHECK(refused("") == bad_file);
    CHECK(refused(std::string(100, '\0')) == bad_file);
    CHECK(refused("GIF89a") == bad_file);
    CHECK(refused("<svg/>") == bad_file);
    CHECK(refused("<svg><metadata id=\"nibble-scenario\">") == bad_file);
    CHECK(refused("id=\"nibble-scenario\"") == bad_file);
    CHECK(refused("<svg id=\"nibble-scenario\"></metadata>") == bad_file);
    CHECK(refused("<svg><metadata id=\"nibble-scenario\">not json</metadata>") == bad_file);
    CHECK(refused("# nibble-scenario: ") == bad_file);
    CHECK(refused("# nothing\n1,2") == bad_file);
    CHECK(refused("{") == bad_file);
    CHECK(refused("{}") == bad_file);
    CHECK(refused("{\"scenario\": 3}") == bad_file);
    CHECK(refused("{\"format\": 1, \"experiment\": \"other\"}") == bad_file);
    CHECK(refused("%PDF-1.4\n/Keywords (nibble-scenario: {\\") == bad_file);
    CHECK(refused("%PDF-1.4\n/Keywords (nibble-scenario: ((((") == bad_file);
    CHECK(refused("%PDF-1.4\n/Keywords <FEFF00") == bad_file);
    CHECK(refused("%PDF-1.4\n/Keywords <FEFF4E2D>") == bad_file);
    CHECK(refused("%PDF-1.4\n/Keywords") == bad_file);
    CHECK(refused("\x89PNG\r\n\x1a\n") == bad_file);
    CHECK(refused("\x89PNG\r\n\x1a\n" + std::string(1000, 'x')) == bad_file);
    CHECK(refused("{\"a\":" + std::string(200000, '[')) == bad_file);  // deep nesting
    CHECK(error_of([&] { read_scenario(folder.path / "absent", all); }, "absent") == io);
    CHECK(error_of([&] { read_scenario(folder.path, all); }, folder.path.string()) == io);
    CHECK(error_of([&] { read_scenario("/dev/zero", all); }, "/dev/zero") == io);
}

TEST_CASE("damaged exports give a scenario or an error, never a crash", "[figure][export]") {
    const Folder folder;
    const Experiments all = experiments();
    ExportOptions small;
    small.size = {64, 64};
    small.scale = 1;
    const Rng rng = Rng(3).stream("damage");
    int refused = 0, accepted = 0;
    for (const std::string& suffix : export_suffixes()) {
        const fs::path path = folder.path / ("chart" + suffix);
        export_outcome(samples::outcome_of({}), scenario(), all, path, small);
        const std::string whole = content(path);
        const std::size_t step = std::max<std::size_t>(7, whole.size() / 300);
        const auto attempt = [&](const std::string& bytes) {
            write(path, bytes);
            try {
                read_scenario(path, all);
                ++accepted;
            } catch (const Error& e) {
                ++refused;
                REQUIRE(std::string(e.what()).find("chart") != std::string::npos);
            }
        };
        for (std::size_t end = 0; end < whole.size(); end += step) {
            attempt(whole.substr(0, end));
        }
        for (std::uint64_t i = 0; i < 300; ++i) {
            std::string bytes = whole;
            const auto at = static_cast<std::size_t>(rng.uniform(2 * i) * double(bytes.size()));
            bytes[at] =
                static_cast<char>(bytes[at] ^ (1 << static_cast<int>(8 * rng.uniform(2 * i + 1))));
            attempt(bytes);
        }
    }
    CHECK(refused > 500);  // both ways occur, or the damage misses its aim
    CHECK(accepted > 100);
}

}  // namespace nibble::export_test
