// Where in a lesson file something stands, and how to say that it is wrong.
#pragma once

#include <string>

#include "sim/core/error.hpp"

namespace nibble {

struct Place {
    std::string file;
    int line = 0;  // from 1
};

/// Throws Error::bad_file, "lessons/02-rounding.md:41: `what`".
[[noreturn]] void refuse_at(const Place& place, const std::string& what,
                            const std::string& hint = {});

/// Runs `work`; an Error that it throws is thrown again with the place in front.
template <class Work>
auto with_place(const Place& place, const Work& work) {
    try {
        return work();
    } catch (const Error& e) {
        if (e.code() == Error::Code::cancelled) {
            throw;
        }
        refuse_at(place, e.what(), e.hint());
    }
}

}  // namespace nibble
