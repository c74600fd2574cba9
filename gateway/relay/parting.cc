#include "gateway/relay/parting.h"

#include <fmt/format.h>

#include "gateway/base/units.h"

namespace sluice::relay {

Parting bad_request(std::string_view what, int status) {
  return {.status = status, .kind = "bad_request", .what = std::string(what)};
}

Parting body_too_large(std::size_t most) {
  return {.status = 413,
          .kind = "body_too_large",
          .what = fmt::format("the body is larger than {}", format_size(most))};
}

Parting cut_off(http::Ending why) {
  if (why == http::Ending::killed) {
    return {.status = 503, .kind = "ended", .what = "the stream was ended by an operator"};
  }
  return {.status = 401, .kind = "token_expired", .what = "the token is no longer good"};
}

}  // namespace sluice::relay
