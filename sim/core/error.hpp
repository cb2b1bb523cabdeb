// What can go wrong, in words a person can act on.
//
// Bad input throws Error: `what` names the offending value, `hint` says what to do instead.
// It is caught in three places only: the window's worker, the command line's main and the
// lesson checker. A broken invariant is a bug in Nibble, not bad input: NIBBLE_ASSERT.
#pragma once

#include <stdexcept>
#include <string>

namespace nibble {

class Error : public std::runtime_error {
public:
    enum class Code {
        bad_param,    // a value that its parameter's type or range refuses
        bad_file,     // a file whose content is not what its format says
        io,           // the system refused to open, read or write
        no_device,    // the wanted machine is not there
        unsupported,  // well-formed, and not handled
        cancelled,    // a newer request made this one pointless
    };

    Error(Code code, const std::string& what, std::string hint = {})
        : std::runtime_error(what), code_(code), hint_(std::move(hint)) {}

    Code code() const { return code_; }
    /// What to do next; may be empty.
    const std::string& hint() const { return hint_; }
    /// "what (hint)", one line for a terminal.
    std::string line() const { return hint_.empty() ? what() : what() + ("; " + hint_); }

private:
    Code code_;
    std::string hint_;
};

/// Thrown by NIBBLE_ASSERT. Never caught to carry on, only to tell the person that it is our bug.
class BrokenInvariant : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

[[noreturn]] void broken_invariant(const char* condition, const char* why, const char* file,
                                   int line);

}  // namespace nibble

/// On in every build. `why` is the sentence a maintainer wants to read first.
#define NIBBLE_ASSERT(condition, why)                                        \
    do {                                                                     \
        if (!(condition)) {                                                  \
            ::nibble::broken_invariant(#condition, why, __FILE__, __LINE__); \
        }                                                                    \
    } while (false)
