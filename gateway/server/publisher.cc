#include "gateway/server/publisher.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/uri.h"
#include "gateway/server/publish_fields.h"
#include "gateway/server/publish_names.h"
#include "gateway/server/selectors.h"

namespace sluice::server {
namespace {

/// The subject; without one each token stands for itself.
std::string name_of(const Bearer& bearer) {
  if (!bearer.grants.subject.empty()) return "subject " + bearer.grants.subject;
  return fmt::format("token {:016x}", bearer.fingerprint);
}

/// A browser sends a certificate along with whatever page asks it to, as it does cookies.
bool may_come_by_certificate(const Shared& shared, const http::Request& request) {
  const bool is_browser = request.headers.has("origin") || request.headers.has("sec-fetch-site");
  return !is_browser || shared.access.may_publish_from(request);
}

/// Who shows no token, but a certificate that may publish; to every topic.
std::optional<Publisher> certified_publisher(const Shared& shared, const http::Request& request,
                                             const http::Connection& connection) {
  if (connection.certificate == nullptr) return std::nullopt;
  const auto name = shared.certified.find(*connection.certificate);
  if (!name || !may_come_by_certificate(shared, request)) return std::nullopt;
  const auth::Grant everything{.type = auth::MatchType::selector, .match = "*", .payload = {}};
  Publisher publisher;
  publisher.name = "certificate " + *name;
  publisher.subject = publisher.name;
  publisher.grants = to_selectors({everything}, shared.hub_url);
  return publisher;
}

/// By his token.
tl::expected<Publisher, Denial> bearing_publisher(const Shared& shared,
                                                  const http::Request& request) {
  const auto query = http::parse_form(request.query, kMaxQueryFields);
  if (!query) return tl::unexpected(Denial{400, "the query: " + query.error().what, {}});
  auto bearer = shared.access.publisher(request, *query);
  if (!bearer) return tl::unexpected(std::move(bearer.error()));
  Publisher publisher;
  publisher.name = name_of(*bearer);
  publisher.subject = std::move(bearer->grants.subject);
  publisher.grants = to_selectors(bearer->grants.publish, shared.hub_url);
  publisher.expires = bearer->ends;
  publisher.issued = bearer->grants.issued;
  return publisher;
}

bool has_no_token(const Denial& denial) {
  return denial.status == 401 && denial.error.empty();
}

}  // namespace

bool Publisher::may_publish_to(const std::vector<std::string>& topics) const {
  return hub::matches_all(grants, topics);
}

std::string_view Publisher::objection(const Shared& shared, TimePoint now) const {
  if (expires && now >= *expires) return "the token has expired";
  if (shared.subjects.is_revoked(subject, issued, shared.clock.wall())) {
    return "the token has been revoked";
  }
  return {};
}

void Publisher::make_unique(sse::Draft& draft, std::size_t index) const {
  // Lengths stand before what may hold any character: no two different lists look alike.
  if (!idempotency_key.empty()) {
    // Publishers without a subject cannot be told apart, but by what they publish to.
    const std::string& whose = subject.empty() ? draft.topics.front() : subject;
    draft.once = fmt::format("key {}{}:{} {} {}", subject.empty() ? "topic " : "", whose.size(),
                             whose, index, idempotency_key);
  } else if (!draft.id.empty()) {
    const std::string& topic = draft.topics.front();
    draft.once =
        fmt::format("id {}:{} {}:{} {}", subject.size(), subject, topic.size(), topic, draft.id);
  }
}

tl::expected<Publisher, Denial> admit_publisher(const Shared& shared, const http::Request& request,
                                                const http::Connection& connection) {
  auto publisher = bearing_publisher(shared, request);
  if (!publisher && has_no_token(publisher.error())) {
    if (auto certified = certified_publisher(shared, request, connection)) {
      publisher = std::move(*certified);
    }
  }
  if (!publisher) return publisher;
  if (const std::string* key = request.headers.find("idempotency-key")) {
    if (key->empty()) return tl::unexpected(Denial{400, "idempotency-key is empty", {}});
    if (const auto good = check_name("idempotency-key", *key, kMaxName); !good) {
      const int status = good.error().code == Errc::limit ? 413 : 400;
      return tl::unexpected(Denial{status, good.error().what, {}});
    }
    publisher->idempotency_key = *key;
  }
  return publisher;
}

}  // namespace sluice::server
