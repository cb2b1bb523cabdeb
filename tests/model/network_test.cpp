#include "sim/model/network.hpp"

#include "sim/core/parallel.hpp"

#include "tests/catch.hpp"
#include "tests/model/tiny.hpp"

namespace nibble::network_test {

using namespace nibble::testing;

namespace {

using Numbers = std::vector<double>;

/// The network written out with plain loops for one sequence: the oracle.
class Plain {
public:
    explicit Plain(const Model<double>& model) : model_(model), c_(model.config) {}

    std::vector<Numbers> logits(const TokenIds& ids) const {
        std::vector<Numbers> x;
        for (const auto id : ids) {
            x.emplace_back(model_.embedding.row(id), model_.embedding.row(id) + c_.hidden);
        }
        for (Index l = 0; l < c_.layers; ++l) {
            layer(model_.layer(l), x);
        }
        std::vector<Numbers> out;
        for (const Numbers& row : x) {
            out.push_back(product(model_.head, norm(row, model_.final_norm)));
        }
        return out;
    }

private:
    Numbers norm(const Numbers& x, View<const double> gain) const {
        double squares = 0;
        for (const double v : x) {
            squares += v * v;
        }
        Numbers out;
        for (std::size_t i = 0; i < x.size(); ++i) {
            out.push_back(x[i] / std::sqrt(squares / double(x.size()) + c_.norm_eps) *
                          gain.data[i]);
        }
        return out;
    }
    static Numbers product(View<const double> w, const Numbers& x) {
        Numbers out;
        for (Index i = 0; i < w.rows; ++i) {
            double sum = 0;
            for (Index j = 0; j < w.cols; ++j) {
                sum += w(i, j) * x[std::size_t(j)];
            }
            out.push_back(sum);
        }
        return out;
    }
    void turn(Numbers& x, Index heads, std::size_t position) const {
        const Index half = c_.head_dim / 2;
        for (Index h = 0; h < heads; ++h) {
            for (Index i = 0; i < half; ++i) {
                const bool halves = c_.rotary_pairs == RotaryPairs::halves;
                const Index a = h * c_.head_dim + (halves ? i : 2 * i);
                const Index b = halves ? a + half : a + 1;
                const double angle =
                    double(position) *
                    std::pow(c_.rope_theta, -2.0 * double(i) / double(c_.head_dim));
                double &p = x[std::size_t(a)], &q = x[std::size_t(b)];
                const double turned = p * std::cos(angle) - q * std::sin(angle);
                q = q * std::cos(angle) + p * std::sin(angle);
                p = turned;
            }
        }
    }
    void layer(const LayerWeights<double>& w, std::vector<Numbers>& x) const {
        std::vector<Numbers> q, k, v;
        for (std::size_t t = 0; t < x.size(); ++t) {
            const Numbers in = norm(x[t], w.attention_norm);
            q.push_back(product(w[Linear::q], in));
            k.push_back(product(w[Linear::k], in));
            v.push_back(product(w[Linear::v], in));
            turn(q.back(), c_.heads, t);
            turn(k.back(), c_.kv_heads, t);
        }
        for (std::size_t t = 0; t < x.size(); ++t) {
            Numbers mixed(std::size_t(c_.q_width()));
            for (Index h = 0; h < c_.heads; ++h) {
                attend_one(q[t], k, v, t, h, mixed);
            }
            add(x[t], product(w[Linear::o], mixed));
            const Numbers in = norm(x[t], w.ffn_norm);
            Numbers gate = product(w[Linear::gate], in);
            const Numbers up = product(w[Linear::up], in);
            for (std::size_t i = 0; i < gate.size(); ++i) {
                gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
            }
            add(x[t], product(w[Linear::down], gate));
        }
    }
    void attend_one(const Numbers& q, const std::vector<Numbers>& k, const std::vector<Numbers>& v,
                    std::size_t t, Index head, Numbers& mixed) const {
        const Index dim = c_.head_dim, kv = head / (c_.heads / c_.kv_heads);
        const auto at = [dim](const Numbers& row, Index h, Index i) {
            return row[std::size_t(h * dim + i)];
        };
        const Index window = c_.sliding_window;
        const std::size_t first =
            window > 0 && Index(t) >= window ? t + 1 - std::size_t(window) : 0;
        Numbers weight;
        double sum = 0;
        for (std::size_t j = first; j <= t; ++j) {
            double score = 0;
            for (Index i = 0; i < dim; ++i) {
                score += at(q, head, i) * at(k[j], kv, i);
            }
            weight.push_back(std::exp(score / std::sqrt(double(dim))));
            sum += weight.back();
        }
        for (std::size_t j = first; j <= t; ++j) {
            for (Index i = 0; i < dim; ++i) {
                mixed[std::size_t(head * dim + i)] += weight[j - first] / sum * at(v[j], kv, i);
            }
        }
    }
    static void add(Numbers& x, const Numbers& y) {
        for (std::size_t i = 0; i < x.size(); ++i) {
            x[i] += y[i];
        }
    }

    const Model<double>& model_;
    ModelConfig c_;
};

template <class S>
double largest_difference(const Matrix<S>& a, Index first, const std::vector<Numbers>& b) {
    double worst = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        for (std::size_t j = 0; j < b[i].size(); ++j) {
            worst = std::max(worst, std::abs(double(a(first + Index(i), Index(j))) - b[i][j]));
        }
    }
    return worst;
}

std::vector<ModelConfig> variants() {
    ModelConfig plain = tiny_config(), pairs = plain, window = plain, untied = plain, wide = plain;
    pairs.rotary_pairs = RotaryPairs::interleaved;
    window.sliding_window = 5;
    untied.tied_head = false;
    wide.kv_heads = 4;
    return {plain, pairs, window, untied, wide};
}

}  // namespace

TEST_CASE("logits are those of the network written with plain loops", "[model]") {
    for (const ModelConfig& c : variants()) {
        INFO("pairs " << int(c.rotary_pairs) << " window " << c.sliding_window << " tied "
                      << c.tied_head << " kv heads " << c.kv_heads);
        const auto exact = model_owning<double>(c, tiny_weights<double>(c));
        const auto used = model_owning<float>(c, tiny_weights<float>(c));
        // Longer than a block of queries, so that blocks meet.
        const std::vector<TokenIds> batch = {tiny_tokens(9, 1), tiny_tokens(70, 2),
                                             tiny_tokens(1, 3)};
        const auto in_double = logits<double>(exact, batch);
        const auto in_float = logits<float>(used, batch);
        Index first = 0;
        for (const TokenIds& ids : batch) {
            const auto expected = Plain(exact).logits(ids);
            CHECK(largest_difference(in_double, first, expected) < 1e-11);  // sums of 20 terms
            CHECK(largest_difference(in_float, first, expected) < 2e-5);    // values near 3
            first += Index(ids.size());
        }
    }
}

TEST_CASE("decoding with a cache gives the logits of the whole sequence", "[model]") {
    for (const ModelConfig& c : variants()) {
        const auto model = model_owning<float>(c, tiny_weights<float>(c));
        const std::vector<TokenIds> batch = {tiny_tokens(40, 5)};
        const auto whole = logits<float>(model, batch);
        KvCache<float> cache(c);
        const std::span<const std::int32_t> ids = batch[0];
        std::vector<std::pair<std::size_t, std::size_t>> steps = {{0, 7}, {7, 1}, {8, 1}, {9, 5}};
        for (std::size_t i = 14; i < 40; ++i) {
            steps.emplace_back(i, 1);
        }
        for (const auto& [first, count] : steps) {
            const auto part = extend<float>(model, cache, ids.subspan(first, count));
            for (std::size_t i = 0; i < count; ++i) {
                for (Index j = 0; j < c.vocab; ++j) {
                    // The same sums in another order.
                    CHECK(part(Index(i), j) == Approx(whole(Index(first + i), j)).margin(2e-5));
                }
            }
        }
        CHECK(cache.length() == 40);
        // A draft that is taken back leaves no trace.
        const auto next = extend<float>(model, cache, std::vector<std::int32_t>{3});
        cache.truncate(40);
        extend<float>(model, cache, std::vector<std::int32_t>{9, 9, 9});
        cache.truncate(40);
        CHECK(extend<float>(model, cache, std::vector<std::int32_t>{3}).values() == next.values());
    }
}

TEST_CASE("gradients agree with finite differences", "[model]") {
    for (const ModelConfig& c : variants()) {
        INFO("pairs " << int(c.rotary_pairs) << " window " << c.sliding_window << " tied "
                      << c.tied_head << " kv heads " << c.kv_heads);
        auto values = tiny_weights<double>(c);
        const std::vector<TokenIds> batch = {tiny_tokens(67, 1), tiny_tokens(6, 2),
                                             tiny_tokens(2, 4)};
        const auto loss_at = [&] {
            const auto losses = token_losses<double>(model_over<double>(c, values), batch);
            double sum = 0;
            for (const double loss : losses) {
                sum += loss;
            }
            return sum / double(losses.size());
        };
        std::vector<double> gradient(values.size());
        Trainee<double> trainee;
        const double loss =
            trainee.loss_and_gradient(model_over<double>(c, values), batch, gradient);
        CHECK(loss == Approx(loss_at()).epsilon(1e-12));
        for (const Parameter& p : parameters_of(c)) {
            for (const Index i : {Index{0}, p.size() / 3, p.size() - 1}) {
                const auto at = std::size_t(p.offset + i);
                const double before = values[at], step = 1e-5;
                values[at] = before + step;
                const double above = loss_at();
                values[at] = before - step;
                const double slope = (above - loss_at()) / (2 * step);
                values[at] = before;
                INFO(p.name << " element " << i);
                // Central differences err by step^2 times a third derivative near one, and by
                // rounding of the loss, 1e-16 / step.
                CHECK(gradient[at] == Approx(slope).margin(2e-9).epsilon(1e-6));
            }
        }
    }
}

TEST_CASE("results have the same bits on any number of threads", "[model]") {
    ModelConfig c = tiny_config();
    c.vocab = 300;
    const auto model = model_owning<float>(c, tiny_weights<float>(c));
    std::vector<TokenIds> batch;
    for (std::uint64_t i = 0; i < 5; ++i) {
        batch.push_back(tiny_tokens(50 + 20 * i, i, c.vocab));
    }
    std::vector<float> first_gradient;
    std::vector<float> first_losses;
    for (const int count : {1, 2, 3}) {
        set_threads(count);
        std::vector<float> gradient(std::size_t(c.parameters()));
        Trainee<float> trainee;
        trainee.loss_and_gradient(model, batch, gradient);
        const auto losses = token_losses<float>(model, batch);
        if (count == 1) {
            first_gradient = gradient;
            first_losses = losses;
        }
        CHECK(gradient == first_gradient);
        CHECK(losses == first_losses);
    }
    set_threads(0);
}

TEST_CASE("hooks see and replace inputs, cache and weights", "[model]") {
    const ModelConfig c = tiny_config();
    const auto model = model_owning<float>(c, tiny_weights<float>(c));
    const std::vector<TokenIds> batch = {tiny_tokens(12, 1), tiny_tokens(5, 2)};
    const auto untouched = logits<float>(model, batch);

    std::vector<std::string> seen;
    Hooks<float> watch;
    watch.on_input = [&](Index layer, Site site, View<float> input) {
        CHECK(input.rows == 17);
        seen.push_back(std::to_string(layer) + std::string(name(site)));
    };
    watch.on_attention = [&](Index, Index, Index, View<const float> p) {
        for (Index i = 0; i < p.rows; ++i) {
            float sum = 0;
            for (Index j = 0; j < p.cols; ++j) {
                sum += p(i, j);
                CHECK((j <= i || p(i, j) == 0));
            }
            CHECK(sum == Approx(1).epsilon(1e-6));
        }
    };
    CHECK(logits<float>(model, batch, watch).values() == untouched.values());
    CHECK(seen == std::vector<std::string>{"0attention_in", "0attention_out", "0mlp_in", "0mlp_out",
                                           "1attention_in", "1attention_out", "1mlp_in", "1mlp_out",
                                           "0head_in"});
    seen.clear();
    watch.last_layer = 0;
    run<float>(model, batch, watch);
    CHECK(seen.size() == 4);

    // Zero values in the cache silence attention as zero output weights do.
    Hooks<float> silence;
    silence.on_cache = [](Index layer, Index, View<float>, View<float> values) {
        for (Index i = 0; layer == 1 && i < values.rows; ++i) {
            std::fill_n(values.row(i), values.cols, 0.0F);
        }
    };
    const auto silent = logits<float>(model, batch, silence);
    const auto without =
        logits<float>(with_weights(model, {1, Linear::o}, Matrix<float>(12, 16)), batch);
    CHECK(silent.values() == without.values());
    CHECK(silent.values() != untouched.values());

    Hooks<float> erase;
    erase.on_input = [](Index layer, Site site, View<float> input) {
        for (Index i = 0; layer == 1 && site == Site::attention_out && i < input.rows; ++i) {
            std::fill_n(input.row(i), input.cols, 0.0F);
        }
    };
    CHECK(logits<float>(model, batch, erase).values() == silent.values());
    CHECK_THROWS_AS(with_weights(model, {1, Linear::o}, Matrix<float>(16, 12)), Error);
}

TEST_CASE("ids that the model does not know are refused by value", "[model]") {
    const ModelConfig c = tiny_config();
    const auto model = model_owning<float>(c, tiny_weights<float>(c));
    for (const std::int32_t id : {17, -1}) {
        const std::vector<TokenIds> batch = {{1, id}};
        CHECK(contains(error_of([&] { logits<float>(model, batch); }),
                       "token id " + std::to_string(id)));
    }
    CHECK_THROWS_AS(logits<float>(model, std::vector<TokenIds>{{}}), Error);
    CHECK_THROWS_AS(logits<float>(model, std::vector<TokenIds>{}), Error);
    CHECK(contains(error_of([&] { find_linear(c, "model.layers.1.mlp.up_pro"); }),
                   "did you mean model.layers.1.mlp.up_proj?"));
    CHECK(find_linear(c, "model.layers.1.mlp.up_proj.weight") == LinearId{1, Linear::up});
}

}  // namespace nibble::network_test
