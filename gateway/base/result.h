/// Result<T>: a value, or an Error that the caller must look at.
///
/// Thread  any; plain values.
/// Errors  of the caller's doing or of the environment. Our own bugs are SLUICE_ASSERT, not Errors.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace sluice {

enum class Errc {
  invalid,    ///< The input is wrong; `what` says how and what would be right.
  not_found,  ///< A file, a topic, a key that is not there.
  denied,     ///< Not allowed.
  expired,    ///< Was allowed once, and is no more.
  limit,      ///< A configured bound was reached.
  io,         ///< The operating system or a peer failed.
};

struct Error {
  Errc code = Errc::invalid;
  std::string what;  ///< One sentence for a person, without a final full stop.
};

template <class T>
using Result = tl::expected<T, Error>;

/// `return fail(Errc::invalid, "topic is empty");`
[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string what) {
  return tl::unexpected<Error>(Error{code, std::move(what)});
}

}  // namespace sluice
