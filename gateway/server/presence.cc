#include "gateway/server/presence.h"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/random.h"
#include "gateway/http/uri.h"
#include "gateway/server/paths.h"

namespace sluice::server {
namespace {

using Json = nlohmann::ordered_json;

/// A version 4 UUID (RFC 9562 §5.4), as an IRI.
std::string make_subscriber() {
  std::string bytes = secret_bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string text = "urn:uuid:";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(bytes[i]));
  }
  return text;
}

Json parsed(const std::string& payload) {
  return Json::parse(payload, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string subscription_path(const std::string& subscriber,
                              const ActiveSubscription& subscription) {
  std::string path = std::string(kSubscriptionsPath) + '/';
  if (subscription.is_v1) path += http::percent_encode(subscription.match_type) + '/';
  return path + http::percent_encode(subscription.match) + '/' + http::percent_encode(subscriber);
}

std::string subscription_json(const std::string& subscriber, const ActiveSubscription& subscription,
                              bool is_active, bool context, const std::string& last_event_id) {
  Json json;
  if (context && !subscription.is_v1) json["@context"] = kMercureContext;
  json["id"] = subscription_path(subscriber, subscription);
  json["type"] = subscription.is_v1 ? "subscription" : "Subscription";
  if (subscription.is_v1) {
    json["match"] = subscription.match;
    json["match_type"] = subscription.match_type;
  } else {
    json["topic"] = subscription.match;
  }
  json["subscriber"] = subscriber;
  json["active"] = is_active;
  if (subscription.payload) json["payload"] = parsed(*subscription.payload);
  if (!last_event_id.empty()) json["lastEventID"] = last_event_id;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool Presence::may_tell(Rates& rates, const Stream& stream) const {
  static const std::string kStrangers = "strangers";
  static const std::string kKnown = "known";
  const std::string& kind = stream.is_stranger ? kStrangers : kKnown;
  return rates.take(kind, stream.subscriptions->size(), clock_.now()) == Duration(0);
}

std::unique_ptr<Presence::Lease> Presence::enter(Subscriptions subscriptions, bool is_stranger) {
  std::string subscriber = make_subscriber();
  Stream stream{.subscriptions = std::make_shared<const Subscriptions>(std::move(subscriptions)),
                .is_stranger = is_stranger};
  stream.is_told = may_tell(comings_, stream);
  {
    const std::lock_guard lock(mutex_);
    streams_.emplace(subscriber, stream);
  }
  if (stream.is_told) {
    publish(subscriber, *stream.subscriptions, true);
  } else {
    note_untold(stream.subscriptions->size());
  }
  return std::make_unique<Lease>(*this, std::move(subscriber));
}

void Presence::leave(const std::string& subscriber) {
  Stream stream;
  {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(subscriber);
    if (found == streams_.end()) return;
    stream = std::move(found->second);
    streams_.erase(found);
    if (is_silent_) return;
  }
  if (stream.is_told && may_tell(goings_, stream)) {
    publish(subscriber, *stream.subscriptions, false);
  } else {
    note_untold(stream.subscriptions->size());
  }
}

void Presence::fall_silent() {
  const std::lock_guard lock(mutex_);
  is_silent_ = true;
}

void Presence::publish(const std::string& subscriber, const Subscriptions& subscriptions,
                       bool is_active) {
  std::vector<sse::Draft> drafts;
  drafts.reserve(subscriptions.size());
  for (const ActiveSubscription& subscription : subscriptions) {
    drafts.push_back({.topics = {subscription_path(subscriber, subscription)},
                      .data = subscription_json(subscriber, subscription, is_active, true),
                      .type = subscription.is_v1 ? std::string("mercure") : std::string(),
                      .is_private = true});
  }
  // When it cannot be kept the journal says so itself; the list stays right.
  journal_.append(std::move(drafts), [this, n = subscriptions.size()](const auto& receipts) {
    if (!receipts) note_untold(n);
  });
}

void Presence::for_each(bool is_v1, const Visit& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [subscriber, stream] : streams_) {
    for (const ActiveSubscription& subscription : *stream.subscriptions) {
      if (subscription.is_v1 == is_v1) visit(subscriber, subscription);
    }
  }
}

std::size_t Presence::size() const {
  const std::lock_guard lock(mutex_);
  return streams_.size();
}

}  // namespace sluice::server
