#include "gateway/server/publisher.h"

#include <functional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/server/publish_fields.h"
#include "gateway/server/publish_names.h"
#include "gateway/server/subscribe.h"

namespace sluice::server {

bool Publisher::may_publish_to(const std::vector<std::string>& topics) const {
  return hub::matches_all(grants, topics);
}

void Publisher::make_unique(sse::Draft& draft, std::size_t index) const {
  // Lengths stand before what may hold any character: no two different lists look alike.
  if (!idempotency_key.empty()) {
    draft.once = fmt::format("key {}:{} {} {}", subject.size(), subject, index, idempotency_key);
  } else if (!draft.id.empty()) {
    const std::string& topic = draft.topics.front();
    draft.once =
        fmt::format("id {}:{} {}:{} {}", subject.size(), subject, topic.size(), topic, draft.id);
  }
}

tl::expected<Publisher, Refusal> admit_publisher(const Shared& shared,
                                                 const http::Request& request) {
  const auto refuse = [](int status, std::string text) {
    return tl::unexpected(Refusal{status, std::move(text)});
  };
  const std::string_view token = bearer_token(request.headers);
  if (token.empty()) {
    return refuse(401, "a token is needed to publish: authorization: Bearer TOKEN");
  }
  auto grants = shared.publishers.verify(token, shared.clock.wall());
  if (!grants) return refuse(401, grants.error().what);
  if (!grants->may_publish) return refuse(403, "the token has no \"publish\" claim");

  Publisher publisher;
  publisher.name = grants->subject.empty()
                       ? fmt::format("token {:016x}", std::hash<std::string_view>()(token))
                       : "subject " + grants->subject;
  publisher.subject = std::move(grants->subject);
  publisher.grants = {grants->publish.begin(), grants->publish.end()};
  publisher.expires = grants->expires;
  if (const std::string* key = request.headers.find("idempotency-key")) {
    if (key->empty()) return refuse(400, "idempotency-key is empty");
    if (const auto good = check_name("idempotency-key", *key, kMaxName); !good) {
      return refuse(good.error().code == Errc::limit ? 413 : 400, good.error().what);
    }
    publisher.idempotency_key = *key;
  }
  return publisher;
}

}  // namespace sluice::server
