#include "gateway/relay/parting.h"

#include <fmt/format.h>

#include "gateway/base/units.h"
#include "gateway/base/utf8.h"

namespace sluice::relay {

Parting bad_request(std::string_view what, int status) {
  return {.status = status, .kind = "bad_request", .what = std::string(what)};
}

Parting body_too_large(std::size_t most) {
  return {.status = 413,
          .kind = "body_too_large",
          .what = fmt::format("the body is larger than {}", format_size(most))};
}

Parting no_such_stream() {
  return {.status = 404, .kind = "no_such_stream", .what = "there is no such stream"};
}

Parting cut_off(http::Ending why) {
  if (why == http::Ending::killed) {
    return {.status = 503, .kind = "ended", .what = "the stream was ended by an operator"};
  }
  return {.status = 401, .kind = "token_expired", .what = "the token is no longer good"};
}

void tell_failure(http::Exchange& exchange, const Parting& parting) {
  http::Account* const account = exchange.account();
  if (account == nullptr) return;
  account->ending = http::Ending::upstream_failed;
  account->failure = parting.kind;
  account->cause =
      cut_text(parting.cause.empty() ? parting.what : parting.cause, http::Account::kMostText);
}

}  // namespace sluice::relay
