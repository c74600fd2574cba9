/// Parting: the last word to a client whose answer, or the rest of it, cannot be had.
///
/// last_word.h says how it is told.
/// Thread  a plain value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/http/account.h"
#include "gateway/http/exchange.h"

namespace sluice::relay {

struct Parting {
  int status = 502;  ///< What an answer that had not begun has.
  std::string kind;  ///< For programs: "upstream_closed".
  std::string what;  ///< For people.
  /// What the log says, which may name what is behind the gateway; empty: the same.
  std::string cause{};
};

/// The upstream has failed this exchange; for who keeps account of it.
void tell_failure(http::Exchange& exchange, const Parting& parting);

/// Of a request that no upstream is to see.
Parting bad_request(std::string_view what, int status = 400);
/// Of one whose body is larger than `most`.
Parting body_too_large(std::size_t most);
/// Of a stream that was, or never came to be.
Parting no_such_stream();
/// Of a stream that is cut, for its client, who would not ask for it again.
Parting cut_off(http::Ending why);

}  // namespace sluice::relay
