// The figures of the calibration lab, drawn from a finished (or growing) study.
#pragma once

#include <string>
#include <vector>

#include "sim/quant/clip_study.hpp"

namespace nibble::calibration_lab {

struct Params {
    LayerChoice layer = {.layer = 0, .linear = Linear::down, .tokens = 256};
    int bits = 4;
    double percentile = 99.99;
    double threshold = 1;  // of the largest magnitude
    ClipRule rule = ClipRule::min_max;
    CalibrationText judged_on = CalibrationText::mixed;
};

/// What a calibration on the first tokens chooses, the more of them the later.
struct Growth {
    std::vector<double> tokens;
    std::array<std::vector<double>, 4> thresholds;  // by rule, without the loss rule
};

struct Data {
    ClipStudy study;
    Growth growth;

    double largest() const { return study.seen->largest(); }
    /// The curve of the text that the reader judges by.
    const CostCurve& judged(const Params& p) const;
};

/// "nats a token" or "relative output error".
std::string cost_unit(const ClipStudy& study);

FigureRow histogram_row(const Params& p, const Data& d);
FigureRow curve_row(const Params& p, const Data& d);
FigureRow text_row(const Params& p, const Data& d);

}  // namespace nibble::calibration_lab
