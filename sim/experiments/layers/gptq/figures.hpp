// What the GPTQ lab shows of one moment of its data.
#pragma once

#include "sim/experiments/layers/gptq/data.hpp"

namespace nibble::gptq_lab {

enum class Shown { change, weights };
/// `fitting`: the permutation under act-order, else the Hessian.
enum class Third { fitting, hessian, spectrum, order };

/// The moment and the row looked at, within the layer.
struct Look {
    Index steps = 0;    // columns rounded
    Index current = 0;  // the step looked at: the last one done, or the first
    Index row = 0;
    Shown shown = Shown::change;
    Third third = Third::fitting;
};
Look look_at(const Data& data, int step, int row, Shown shown, Third third);

std::vector<FigureRow> figures(const Data& data, const Look& look);
/// Sentences, numbers, tables and equations.
void describe(const Data& data, const Look& look, Outcome& outcome);

}  // namespace nibble::gptq_lab
