#include "sim/quant/awq.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "kernels/quantize/ops.hpp"
#include "sim/core/parallel.hpp"
#include "sim/core/stopwatch.hpp"
#include "sim/quant/rtn.hpp"

namespace nibble {
namespace {

constexpr Index search_rows = 96;       // of a task: as the product's kernel likes them
constexpr Index clip_values = 1 << 15;  // weights under trial in one product, of one candidate

/// Rounds rows in place of a copy; keeps its buffers from row to row.
class RowRounder {
public:
    RowRounder(const IntegerFormat& format, Index cols)
        : format_(format),
          length_(extent(format.group_length(cols))),
          grid_{0, (1 << format.bits) - 1},
          low_(extent(format.groups(cols))),
          high_(low_.size()),
          scales_(low_.size()),
          stored_(low_.size()),
          zeros_(low_.size()) {}

    void round(std::span<const float> row, std::span<float> out) {
        kernels::group_ranges(row, length_, low_, high_);
        for (std::size_t g = 0; g < low_.size(); ++g) {
            const GroupScale s = format_.group_scale(low_[g], high_[g]);
            scales_[g] = s.scale;
            stored_[g] = s.stored;
            zeros_[g] = s.zero;
        }
        kernels::quantize(row, length_, {scales_, stored_, zeros_}, grid_, {.dequantized = out});
    }

private:
    const IntegerFormat& format_;
    std::size_t length_;
    kernels::IntegerGrid grid_;
    std::vector<float> low_, high_, scales_, stored_, zeros_;
};

/// (cols) mean over the rows of |w| / max|w| of its group.
std::vector<double> mean_in_group(View<const float> weights, const IntegerFormat& format) {
    const Index length = format.group_length(weights.cols);
    std::vector<double> sums(extent(weights.cols));
    for (Index r = 0; r < weights.rows; ++r) {
        const float* w = weights.row(r);
        for (Index first = 0; first < weights.cols; first += length) {
            const Index last = std::min(weights.cols, first + length);
            float most = 0;
            for (Index c = first; c < last; ++c) {
                most = std::max(most, std::abs(w[c]));
            }
            for (Index c = first; c < last; ++c) {
                sums[extent(c)] += static_cast<double>(std::abs(w[c]) / (most + 1e-6F));
            }
        }
    }
    for (double& sum : sums) {
        sum /= static_cast<double>(weights.rows);
    }
    return sums;
}

Matrix<float> scaled(View<const float> weights, const std::vector<float>& scale) {
    Matrix<float> out(weights.rows, weights.cols);
    for (Index r = 0; r < weights.rows; ++r) {
        const float* from = weights.row(r);
        float* to = out.row(r);
        for (Index c = 0; c < weights.cols; ++c) {
            to[c] = from[c] * scale[extent(c)];
        }
    }
    return out;
}

/// The error of every alpha of the grid.
std::vector<double> search(View<const float> weights, const LayerInput& input,
                           const AwqOptions& options) {
    const Index n = weights.cols;
    std::vector<std::vector<float>> scales, inverses;
    for (Index a = 0; a < awq_alphas; ++a) {
        scales.push_back(awq_scale(weights, input, options, static_cast<double>(a) / awq_alphas));
        inverses.emplace_back();
        for (const float s : scales.back()) {
            inverses.back().push_back(1 / s);
        }
    }
    const QuadraticForm form(input.gram.view());
    using Errors = std::vector<double>;  // (alpha)
    return parallel_reduce(
        extent(weights.rows), extent(search_rows), Errors(extent(awq_alphas)),
        [&](std::size_t begin, std::size_t end) {
            const View<const float> rows =
                weights.row_range(static_cast<Index>(begin), static_cast<Index>(end - begin));
            Errors errors;
            Matrix<float> change(rows.rows, n);
            std::vector<float> row(extent(n));
            RowRounder rounder(options.format, n);
            for (std::size_t a = 0; a < scales.size(); ++a) {
                for (Index r = 0; r < rows.rows; ++r) {
                    const float* w = rows.row(r);
                    float* d = change.row(r);
                    const float* s = scales[a].data();
                    const float* inverse = inverses[a].data();
                    for (Index c = 0; c < n; ++c) {
                        row[extent(c)] = w[c] * s[c];
                    }
                    rounder.round(row, {d, extent(n)});
                    for (Index c = 0; c < n; ++c) {
                        d[c] = d[c] * inverse[c] - w[c];
                    }
                }
                errors.push_back(form(change.view()));
            }
            return errors;
        },
        [](Errors a, const Errors& b) {
            for (std::size_t i = 0; i < a.size(); ++i) {
                a[i] += b[i];
            }
            return a;
        });
}

/// The error that changes of one group's weights make in its part of the outputs: through H of the
/// group, or through the tokens when these are fewer than its columns.
class GroupError {
public:
    /// x: (tokens, columns of the group)
    explicit GroupError(View<const float> x) : through_tokens_(x.rows < x.cols) {
        if (through_tokens_) {
            right_.assign(x.transposed());
        } else {
            right_.assign(gram_of(x).view());
        }
    }
    /// d: (changes, columns). errors: (changes)
    void measure(View<const float> d, Matrix<float>& product, std::vector<double>& errors) const {
        product.resize(d.rows, right_.n());
        multiply_packed<float>(d, right_, product.view());
        errors.resize(extent(d.rows));
        for (Index i = 0; i < d.rows; ++i) {
            const float* p = product.row(i);
            const float* other = through_tokens_ ? p : d.row(i);
            float lanes[8] = {};  // adds eight sums at once, in an order that never changes
            Index c = 0;
            for (; c + 8 <= product.cols(); c += 8) {
                for (Index k = 0; k < 8; ++k) {
                    lanes[k] += p[c + k] * other[c + k];
                }
            }
            for (; c < product.cols(); ++c) {
                lanes[0] += p[c] * other[c];
            }
            double sum = 0;
            for (const float lane : lanes) {
                sum += static_cast<double>(lane);
            }
            errors[extent(i)] = sum;
        }
    }

private:
    bool through_tokens_;
    Packed<float> right_;
};

/// Cuts the groups of `weights` (W diag(s)) where that lowers the error, in place. Returns which
/// cut: (rows, groups).
std::vector<std::uint8_t> clip(Matrix<float>& weights, const LayerInput& input,
                               const std::vector<float>& scale, const IntegerFormat& format) {
    const Index n = weights.cols(), length = format.group_length(n), groups = format.groups(n);
    const Index tokens = std::min(awq_clip_tokens, input.tokens.rows);
    std::vector<std::uint8_t> chosen(extent(weights.rows() * groups));
    for (Index g = 0; g < groups; ++g) {
        const Index first = g * length, width = std::min(length, n - first);
        Matrix<float> x(tokens, width);
        for (Index t = 0; t < tokens; ++t) {
            const float* from = input.tokens.row(t * input.tokens.rows / tokens) + first;
            for (Index c = 0; c < width; ++c) {
                x(t, c) = from[c] / scale[extent(first + c)];
            }
        }
        const GroupError error(x.view());
        const Index rows_a_task = std::max<Index>(4, clip_values / awq_clip_steps / width);
        parallel_for(
            extent(weights.rows()), extent(rows_a_task), [&](std::size_t begin, std::size_t end) {
                const auto count = static_cast<Index>(end - begin);
                Matrix<float> changes(count * awq_clip_steps, width), product;
                std::vector<float> cut(extent(width));
                std::vector<double> errors;
                RowRounder rounder(format, width);
                const auto cut_at = [&](const float* w, float most, Index step) {
                    const float limit = most * (1 - static_cast<float>(step) / 20);
                    for (Index c = 0; c < width; ++c) {
                        cut[extent(c)] = std::min(std::max(w[c], -limit), limit);
                    }
                };
                std::vector<float> largest(extent(count));
                for (Index i = 0; i < count; ++i) {
                    const float* w = weights.row(static_cast<Index>(begin) + i) + first;
                    float most = 0;
                    for (Index c = 0; c < width; ++c) {
                        most = std::max(most, std::abs(w[c]));
                    }
                    largest[extent(i)] = most;
                    for (Index step = 0; step < awq_clip_steps; ++step) {
                        float* d = changes.row(i * awq_clip_steps + step);
                        cut_at(w, most, step);
                        rounder.round(cut, {d, extent(width)});
                        for (Index c = 0; c < width; ++c) {
                            d[c] -= w[c];
                        }
                    }
                }
                error.measure(changes.view(), product, errors);
                for (Index i = 0; i < count; ++i) {
                    const auto of_row = errors.begin() + i * awq_clip_steps;
                    const Index best = std::min_element(of_row, of_row + awq_clip_steps) - of_row;
                    const Index row = static_cast<Index>(begin) + i;
                    chosen[extent(row * groups + g)] = static_cast<std::uint8_t>(best);
                    cut_at(weights.row(row) + first, largest[extent(i)], best);
                    std::copy(cut.begin(), cut.end(), weights.row(row) + first);
                }
            });
    }
    return chosen;
}

}  // namespace

std::vector<float> awq_scale(View<const float> weights, const LayerInput& input,
                             const AwqOptions& options, double alpha) {
    constexpr float smallest = 1e-4F;
    std::vector<double> of_weights;
    if (options.weight_term) {
        of_weights = mean_in_group(weights, options.format);
    }
    std::vector<float> scale(extent(weights.cols));
    for (std::size_t c = 0; c < scale.size(); ++c) {
        double s = std::pow(static_cast<double>(input.mean_abs[c]), alpha);
        if (options.weight_term) {
            s /= std::pow(of_weights[c], 1 - alpha) + 1e-4;
        }
        scale[c] = std::max(static_cast<float>(s), smallest);
    }
    const auto [low, high] = std::minmax_element(scale.begin(), scale.end());
    const float middle = std::sqrt(*low * *high);
    for (float& s : scale) {
        s /= middle;
    }
    return scale;
}

AwqResult awq(View<const float> weights, const LayerInput& input, const AwqOptions& options) {
    NIBBLE_ASSERT(options.format.rule == RangeRule::awq, "AWQ has ranges of its own");
    auto begin = std::chrono::steady_clock::now();
    AwqResult result{.weights = IntegerWeights(options.format, 0, weights.cols),
                     .scale = {},
                     .alpha = options.alpha,
                     .curve = {},
                     .clips = {}};
    if (options.alpha < 0) {
        result.curve = search(weights, input, options);
        const auto best = std::min_element(result.curve.begin(), result.curve.end());
        result.alpha = static_cast<double>(best - result.curve.begin()) / awq_alphas;
    }
    result.scale = awq_scale(weights, input, options, result.alpha);
    result.search_seconds = seconds_since(begin);
    begin = std::chrono::steady_clock::now();
    Matrix<float> larger = scaled(weights, result.scale);
    if (options.clip) {
        result.clips = clip(larger, input, result.scale, options.format);
    }
    result.clip_seconds = seconds_since(begin);
    result.weights = round_to_nearest(larger.view(), options.format);
    return result;
}

Matrix<float> AwqResult::effective() const {
    Matrix<float> out = weights.dequantize();
    for (Index r = 0; r < out.rows(); ++r) {
        float* w = out.row(r);
        for (Index c = 0; c < out.cols(); ++c) {
            w[c] /= scale[extent(c)];
        }
    }
    return out;
}

}  // namespace nibble
