// What the perplexity lab measures of the shipped model, in the order in which it comes in.
//
// Left out: AWQ's search for a clip, which takes longer than all the rest.
#pragma once

#include <string>
#include <vector>

#include "sim/model/generate.hpp"
#include "sim/quant/model_judge.hpp"

namespace nibble::perplexity_lab {

/// The methods that are offered.
enum class Way { rtn, gptq, awq, nf4 };
enum class JudgedOn { all, stories, arithmetic, code, records };

struct Params {
    int bits = 2;
    Way way = Way::rtn;
    int group_size = 64;
    JudgedOn judged_on = JudgedOn::all;

    Method method() const {
        constexpr Method methods[] = {Method::rtn, Method::gptq, Method::awq, Method::nf4};
        return methods[static_cast<std::size_t>(way)];
    }
    /// NF4 has 4 whatever is asked for.
    int code_bits() const { return way == Way::nf4 ? 4 : bits; }
};

/// A method at so many bits: what it stores and what is left of the model.
struct Point {
    Method method;
    int bits = 0;
    double stored = 0;  // bits a weight of the linear layers
    DomainLosses losses;
};

/// The k most sensitive matrices in 8 bits, the others in few.
struct Mix {
    int kept = 0;
    double stored = 0;
    DomainLosses losses;
};

struct CachePoint {
    int bits = 0;
    DomainLosses as_kivi, turned;  // keys by channel, values by token; and the other way round
};

struct Writing {
    std::string prompt;
    std::vector<std::string> exact, quantized;  // the pieces that each model writes
};

struct Data {
    std::string model;
    DomainLosses exact;
    std::vector<Point> points;             // of all methods
    std::vector<LinearId> ids;             // (matrix)
    std::vector<DomainLosses> alone;       // (matrix) with this one rounded
    std::vector<std::size_t> order;        // matrices, the most sensitive first
    std::vector<Mix> mixes, mixes_turned;  // the most sensitive kept first; the least sensitive
    std::vector<CachePoint> cache;
    Writing writing;
    bool finished = false;

    /// Null when it has not been measured (yet).
    const Point* find(Method method, int bits) const;
};

/// The loss that the reader judges by.
double judged(const DomainLosses& losses, JudgedOn on);

Data measure(const Params& p, const RunContext& context);

std::vector<FigureRow> figures(const Params& p, const Data& d);
void describe(const Params& p, const Data& d, Outcome& o);

}  // namespace nibble::perplexity_lab
