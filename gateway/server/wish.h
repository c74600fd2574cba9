/// Wish: what a request to the hub asks to be subscribed to, in either version of the protocol.
///
///   0.x  topic=            a topic, a URI Template or "*"
///   1.0  match=, match_exact=   a topic; match_urlpattern=   a URL Pattern; "*" matches everything
///
/// Thread  plain values. Errors  Errc::invalid with a sentence for the client: 400.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/http/message.h"
#include "gateway/http/uri.h"
#include "gateway/hub/selector.h"
#include "gateway/server/access.h"

namespace sluice::server {

struct Wish {
  struct Match {
    hub::SelectorType type = hub::SelectorType::selector;
    std::string text;
  };
  std::vector<Match> matches;
  std::optional<std::string> cursor;  ///< None: it did not come with one; it may be empty.
  bool is_reconnect = false;          ///< A browser sent the cursor by itself, in the header.
  bool is_v1 = false;
  std::size_t max_rate = 0;  ///< 0: it asks for no rate of its own.
};

/// The most fields of a query, or of the body of a QUERY.
inline constexpr std::size_t kMaxQueryFields = 1000;

/// `fields`: the query, and behind it the body of a QUERY.
Result<Wish> read_wish(const http::Request& request, const http::Form& fields, Mercure spoken);
/// `GET /events/{topic}`: the topic is named by the path; a selector, unless 1.0 alone is spoken.
Result<Wish> read_topic_wish(std::string topic, const http::Request& request,
                             const http::Form& fields, Mercure spoken);

}  // namespace sluice::server
