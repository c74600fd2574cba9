/// What a client is told of a failed upstream, and which counter counts it.
///
/// Thread  any; pure functions, but for count().
#pragma once

#include <string>
#include <string_view>

#include "gateway/relay/counters.h"
#include "gateway/relay/parting.h"
#include "gateway/relay/upstream_call.h"

namespace sluice::relay {

constexpr int status_of_failure(Failure failure) {
  if (failure == Failure::timeout) return 504;
  return failure == Failure::busy ? 503 : 502;
}

constexpr std::string_view name_of_failure(Failure failure) {
  switch (failure) {
    case Failure::connect:
      return "upstream_unreachable";
    case Failure::timeout:
      return "upstream_timeout";
    case Failure::busy:
      return "upstream_busy";
    case Failure::closed:
      return "upstream_closed";
    case Failure::malformed:
      break;
  }
  return "upstream_malformed";
}

/// For the client: what is behind the gateway is for its log.
constexpr std::string_view text_of_failure(Failure failure) {
  switch (failure) {
    case Failure::connect:
      return "the application cannot be reached";
    case Failure::timeout:
      return "the application took too long";
    case Failure::busy:
      return "the application takes no more requests at the moment";
    case Failure::closed:
      return "the application broke its answer off";
    case Failure::malformed:
      break;
  }
  return "the application's answer breaks the rules of HTTP";
}

inline Parting parting_of(Failure failure, std::string_view cause) {
  return {.status = status_of_failure(failure),
          .kind = std::string(name_of_failure(failure)),
          .what = std::string(text_of_failure(failure)),
          .cause = std::string(cause)};
}

inline void count_failure(RouteCounters& counters, Failure failure) {
  switch (failure) {
    case Failure::connect:
      return counters.failed_connect.add();
    case Failure::timeout:
      return counters.failed_timeout.add();
    case Failure::busy:
      return counters.failed_busy.add();
    case Failure::closed:
      return counters.failed_closed.add();
    case Failure::malformed:
      return counters.failed_malformed.add();
  }
}

}  // namespace sluice::relay
