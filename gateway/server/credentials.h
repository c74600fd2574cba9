/// Credentials: what of a relayed request says who asks, and how much of it goes on.
///
/// Thread  any; pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/auth/digest.h"
#include "gateway/http/message.h"
#include "gateway/server/access.h"

namespace sluice::server {

/// What identifies a client to an application: `authorization`, `cookie` and their like, in digest.
/// `more`: names of further fields.
void add_credentials(const http::Request& request, std::span<const std::string> more,
                     auth::Digest& digest);

/// Of what may carry a token something stands there twice: whichever we look at, the application
/// may look at the other.
[[nodiscard]] bool has_token_twice(const http::Request& request,
                                   std::span<const std::string_view> cookies);

/// Takes out all that could be taken for a token of ours, but for what stands where `kept` says; of
/// `cookies` the first that is there is the one.
void remove_tokens(http::Request& request, Carrier kept, std::span<const std::string_view> cookies);

}  // namespace sluice::server
