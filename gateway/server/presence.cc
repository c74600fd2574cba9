#include "gateway/server/presence.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/base/random.h"

namespace sluice::server {
namespace {

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

Presence::Streams streams_of(const journal::Roster::Entries& entries) {
  Presence::Streams streams;
  for (const auto& [subscriber, entry] : entries) {
    if (auto stream = from_entry(entry)) streams.emplace(subscriber, std::move(*stream));
  }
  return streams;
}

}  // namespace

bool Presence::may_tell(Rates& rates, const PresentStream& stream) const {
  static const std::string kStrangers = "strangers";
  static const std::string kKnown = "known";
  const std::string& kind = stream.is_stranger ? kStrangers : kKnown;
  return rates.take(kind, stream.subscriptions->size(), clock_.now()) == Duration(0);
}

std::unique_ptr<Presence::Lease> Presence::enter(std::vector<ActiveSubscription> subscriptions,
                                                 bool is_stranger) {
  std::string subscriber = make_subscriber();
  PresentStream stream{.subscriptions = std::make_shared<const std::vector<ActiveSubscription>>(
                           std::move(subscriptions)),
                       .is_stranger = is_stranger};
  stream.is_told = may_tell(comings_, stream);
  {
    const std::lock_guard lock(mutex_);
    streams_.emplace(subscriber, stream);
  }
  tell_coming(subscriber, stream);
  return std::make_unique<Lease>(*this, std::move(subscriber));
}

void Presence::leave(const std::string& subscriber) {
  PresentStream stream;
  {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(subscriber);
    if (found == streams_.end()) return;
    stream = std::move(found->second);
    streams_.erase(found);
    if (is_silent_) return;  // What is left in the roster falls to another instance.
  }
  tell_going(subscriber, stream);
}

void Presence::fall_silent() {
  const std::lock_guard lock(mutex_);
  is_silent_ = true;
}

// --- Events -------------------------------------------------------------------------------------

void Presence::tell_coming(const std::string& subscriber, const PresentStream& stream) {
  const auto tell = [this, subscriber, stream](const Result<void>& listed) {
    if (listed && stream.is_told) return publish(subscriber, stream, true);
    note_untold(stream.subscriptions->size());
  };
  if (roster_ == nullptr) return tell({});
  roster_->put(subscriber, to_entry(stream), tell);
}

void Presence::tell_going(const std::string& subscriber, const PresentStream& stream) {
  const auto tell = [this, subscriber, stream](const Result<void>& /*unlisted*/) {
    if (stream.is_told && may_tell(goings_, stream)) return publish(subscriber, stream, false);
    note_untold(stream.subscriptions->size());
  };
  if (roster_ == nullptr) return tell({});
  roster_->remove(subscriber, tell);
}

void Presence::publish(const std::string& subscriber, const PresentStream& stream, bool is_active) {
  std::vector<sse::Draft> drafts;
  drafts.reserve(stream.subscriptions->size());
  for (const ActiveSubscription& subscription : *stream.subscriptions) {
    drafts.push_back({.topics = {subscription_path(subscriber, subscription)},
                      .data = subscription_json(subscriber, subscription, is_active, true),
                      .type = subscription.is_v1 ? std::string("mercure") : std::string(),
                      .is_private = true});
  }
  // When it cannot be kept the journal says so itself; the list stays right.
  journal_.append(std::move(drafts), [this, n = stream.subscriptions->size()](const auto& made) {
    if (!made) note_untold(n);
  });
}

// --- All instances ------------------------------------------------------------------------------

void Presence::join(journal::Roster& roster, journal::Roster::Duties& duties) {
  roster_ = &roster;
  duties.own = [this] { return entries(); };
  duties.on_return = [this] { tell_again(); };
  duties.on_orphans = [this](const auto& left) { tell_orphans(left); };
}

journal::Roster::Entries Presence::entries() const {
  const std::lock_guard lock(mutex_);
  journal::Roster::Entries entries;
  entries.reserve(streams_.size());
  for (const auto& [subscriber, stream] : streams_) {
    entries.emplace_back(subscriber, to_entry(stream));
  }
  return entries;
}

/// Others have told that they are gone.
void Presence::tell_again() {
  Streams streams;
  {
    const std::lock_guard lock(mutex_);
    streams = streams_;
  }
  for (const auto& [subscriber, stream] : streams) {
    if (stream.is_told && may_tell(comings_, stream)) {
      publish(subscriber, stream, true);
    } else {
      note_untold(stream.subscriptions->size());
    }
  }
}

void Presence::tell_orphans(const journal::Roster::Entries& entries) {
  for (const auto& [subscriber, stream] : streams_of(entries)) {
    if (stream.is_told && may_tell(goings_, stream)) {
      publish(subscriber, stream, false);
    } else {
      note_untold(stream.subscriptions->size());
    }
  }
}

void Presence::list(const ListDone& done) const {
  if (roster_ != nullptr) {
    return roster_->read([done](Result<journal::Roster::Entries> entries) {
      done(entries.map([](const auto& all) { return streams_of(all); }));
    });
  }
  Streams streams;
  {
    const std::lock_guard lock(mutex_);
    streams = streams_;
  }
  done(std::move(streams));
}

std::size_t Presence::size() const {
  const std::lock_guard lock(mutex_);
  return streams_.size();
}

}  // namespace sluice::server
