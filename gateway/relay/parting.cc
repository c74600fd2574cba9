#include "gateway/relay/parting.h"

#include <fmt/format.h>

#include "gateway/base/units.h"

namespace sluice::relay {

Parting body_too_large(std::size_t most) {
  return {.status = 413,
          .kind = "body_too_large",
          .what = fmt::format("the body is larger than {}", format_size(most))};
}

Parting token_expired() {
  return {.status = 401, .kind = "token_expired", .what = "the token is no longer good"};
}

}  // namespace sluice::relay
