#include "viz/app/ui/words.hpp"

#include "sim/experiments/all.hpp"

#include "tests/catch.hpp"

namespace nibble::words_test {

TEST_CASE("messages about flags speak of labels in the window") {
    const Experiment& lab = find_experiment(all_experiments(), "quantizer");
    CHECK(with_labels("bits = 99 is out of range; --bits takes 2 to 8 bit", lab) ==
          "“Bits per code” = 99 is out of range; “Bits per code” takes 2 to 8 bit");
    CHECK(with_labels("raise --outlier", lab) == "raise “Outlier”");
    CHECK(with_labels("shorten it with --outlier_row, or --nothing", lab) ==
          "shorten it with “Outlier row”, or --nothing");
    CHECK(with_labels("it takes 32768 weights: compute with --device cpu", lab) ==
          "it takes 32768 weights: compute with the CPU");
    CHECK(with_labels("", lab).empty());
    CHECK(with_labels("bits and --", lab) == "bits and --");
}

}  // namespace nibble::words_test
