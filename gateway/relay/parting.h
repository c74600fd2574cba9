/// Parting: the last word to a client whose answer, or the rest of it, cannot be had.
///
/// last_word.h says how it is told.
/// Thread  a plain value.
#pragma once

#include <cstddef>
#include <string>

namespace sluice::relay {

struct Parting {
  int status = 502;  ///< What an answer that had not begun has.
  std::string kind;  ///< For programs: "upstream_closed".
  std::string what;  ///< For people.
};

/// Of a request whose body is larger than `most`.
Parting body_too_large(std::size_t most);
/// Of a stream that its client may read no longer.
Parting token_expired();

}  // namespace sluice::relay
