#include "sim/experiments/layers/gptq/data.hpp"

#include <algorithm>

#include "sim/quant/rtn.hpp"

namespace nibble::gptq_lab {
namespace {

constexpr Index preview_rows = 48;
constexpr Index many_moments = 48, few_moments = 16;

Matrix<float> first_rows(const Matrix<float>& m, Index count) {
    Matrix<float> out(count, m.cols());
    std::copy_n(m.values().begin(), count * m.cols(), out.values().begin());
    return out;
}

std::vector<Index> moments_of(Index cols, Index count) {
    std::vector<Index> moments;
    for (Index k = 0; k <= count; ++k) {
        const Index at = k * cols / count;
        if (moments.empty() || at > moments.back()) {
            moments.push_back(at);
        }
    }
    return moments;
}

/// What one matrix of changes costs, on both sets of tokens.
struct Measure {
    QuadraticForm calibration, unseen;

    void add(Distances& to, const Matrix<float>& change) const {
        to.weights.push_back(squared_distance(change.view()));
        to.outputs.push_back(std::max(0.0, calibration(change.view())));
        to.unseen.push_back(std::max(0.0, unseen(change.view())));
    }
};

/// Q - W in W's order of columns, of a matrix whose columns are in the order of steps.
Matrix<float> change_of(const Matrix<float>& by_step, const std::vector<Index>& order,
                        const Matrix<float>& weights) {
    Matrix<float> change(weights.rows(), weights.cols());
    for (Index r = 0; r < change.rows(); ++r) {
        for (Index i = 0; i < change.cols(); ++i) {
            const Index c = order[static_cast<std::size_t>(i)];
            change(r, c) = by_step(r, i) - weights(r, c);
        }
    }
    return change;
}

/// Rounded in the first `steps` columns of the order, as given in the others.
Matrix<float> change_of_first(const Matrix<float>& rounded, const std::vector<Index>& order,
                              const Matrix<float>& weights, Index steps) {
    Matrix<float> change(weights.rows(), weights.cols());
    for (Index i = 0; i < steps; ++i) {
        const Index c = order[static_cast<std::size_t>(i)];
        for (Index r = 0; r < change.rows(); ++r) {
            change(r, c) = rounded(r, c) - weights(r, c);
        }
    }
    return change;
}

}  // namespace

Data quantize(std::shared_ptr<const Layer> layer, const GptqOptions& options,
              const RunContext& context) {
    Data d;
    d.layer = std::move(layer);
    d.options = options;
    const Index rows =
        context.preview ? std::min(preview_rows, d.layer->weights.rows()) : d.layer->weights.rows();
    d.is_preview = rows < d.layer->weights.rows();
    const Matrix<float> weights = first_rows(d.layer->weights, rows);
    const Matrix<float>& gram = d.layer->calibration->gram;
    const GptqResult result = gptq(weights.view(), gram.view(), options, &d.trace);
    d.rounded = result.weights.dequantize();
    d.rtn = round_to_nearest(weights.view(), options.format).dequantize();
    d.damping = result.damping;
    d.dead = result.dead;
    d.bits_per_weight =
        result.weights.stored_bits() / static_cast<double>(weights.rows() * weights.cols());
    const Measure measure{QuadraticForm(gram.view()), QuadraticForm(d.layer->unseen->gram.view())};
    d.output_norm = measure.calibration(weights.view());
    d.unseen_norm = measure.unseen(weights.view());
    d.moments = moments_of(weights.cols(), context.preview ? few_moments : many_moments);
    for (const Index steps : d.moments) {
        context.check();
        const std::vector<Index>& order = d.trace.order;
        // The end is what is stored: scales in FP16, which the way there does not see.
        measure.add(d.gptq, steps == weights.cols()
                                ? change_of_first(d.rounded, order, weights, steps)
                                : change_of(d.trace.after(steps), order, weights));
        measure.add(d.nearest, change_of_first(d.rtn, order, weights, steps));
        context.progress(0.5 +
                         0.5 * static_cast<double>(steps) / static_cast<double>(weights.cols()));
    }
    return d;
}

}  // namespace nibble::gptq_lab
