#include "gateway/server/survey.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "gateway/base/random.h"
#include "gateway/base/utf8.h"

namespace sluice::server {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || text.empty()) return std::nullopt;
  return value;
}

StreamId id_of(const http::Exchange& exchange) {
  return {.connection = exchange.connection().id, .stream = exchange.id()};
}

Millis in_millis(Duration duration) {
  return std::chrono::duration_cast<Millis>(duration);
}

/// Shows `look` up to `most` elements, from the front, each of which goes to the end. Ends where it
/// meets `first` again, which is set by the first. True: there may be more.
template <class List, class Id, class Look>
bool go_round(List& list, std::size_t most, std::optional<StreamId>& first, Id id, Look look) {
  for (; most > 0 && !list.empty(); --most) {
    auto& element = list.front();
    const StreamId here = id(element);
    if (first == here) return false;
    if (!first) first = here;
    list.push_back(list.pop_front());
    look(element);
  }
  return !list.empty();
}

std::optional<Millis> since(TimePoint then, TimePoint now) {
  if (then == TimePoint{}) return std::nullopt;
  return in_millis(now - then);
}

}  // namespace

std::optional<StreamId> StreamId::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto connection = number(text.substr(0, dash));
  if (!connection) return std::nullopt;
  if (dash == text.npos) return StreamId{.connection = *connection};
  const auto stream = number(text.substr(dash + 1));
  if (!stream) return std::nullopt;
  return StreamId{.connection = *connection, .stream = *stream};
}

std::string StreamId::to_string() const {
  return stream == 0 ? fmt::format("{}", connection) : fmt::format("{}-{}", connection, stream);
}

std::string_view state_of(const http::Flow& flow, const http::Progress& progress) {
  if (flow.transport.blocked_since != TimePoint{}) return "socket_full";
  const bool is_h2 = flow.stream_window != -1;
  const bool is_shut = flow.stream_window <= 0 || flow.connection_window <= 0;
  if (progress.queued > 0 && is_h2 && is_shut) return "window_shut";
  return progress.is_lagging ? "lagging" : "ok";
}

std::optional<Millis> blocked_for(const http::Flow& flow, TimePoint now) {
  return since(flow.transport.blocked_since, now);
}

std::optional<Millis> silent_for(const http::Flow& flow, TimePoint now) {
  return since(flow.transport.written_at, now);
}

bool Survey::step(const Field& field) {
  if (has_ended_one_) return false;
  if (order_.task == Task::list_connections || order_.task == Task::close_connection) {
    return look_at_connections(field);
  }
  if (!has_begun_) {
    has_begun_ = true;
    hub_left_ = field.hub_count;
    relayed_left_ = field.relayed_count;
  }
  const std::size_t hub = std::min(hub_left_, kChunk);
  hub_left_ -= hub;
  const bool has_more = go_round(
      field.streams, hub, first_, [](EventStream& stream) { return id_of(stream.exchange()); },
      [&](EventStream& stream) { look_at(stream, field); });
  if (!has_more) hub_left_ = 0;
  if (hub_left_ > 0 || hub == kChunk) return true;
  if (field.relayed == nullptr) return false;
  const std::size_t relayed = std::min(relayed_left_, kChunk);
  relayed_left_ -= relayed;
  const bool has_others = go_round(
      *field.relayed, relayed, first_relayed_,
      [](relay::Stream& stream) { return id_of(stream.facts().exchange); },
      [&](relay::Stream& stream) { look_at(stream, field); });
  return has_others && relayed_left_ > 0;
}

bool Survey::look_at_connections(const Field& field) {
  if (!has_begun_) {
    has_begun_ = true;
    connections_left_ = field.connections.size();
  }
  const std::size_t n = std::min(connections_left_, kChunk);
  connections_left_ -= n;
  field.connections.look_over(n, [&](Protocol& protocol) {
    // All that speak with clients are made by the worker, and are of this kind.
    return look_at(static_cast<const http::ServerSession&>(protocol), field);
  });
  return connections_left_ > 0 && !has_ended_one_;
}

SortKey Survey::key_of(const http::Progress& progress, std::uint64_t bytes, Duration age) const {
  switch (order_.sort) {
    case SortBy::lag:
      return {progress.behind, progress.queued};
    case SortBy::queued:
      return {progress.queued, progress.behind};
    case SortBy::age:
      return {static_cast<std::uint64_t>(in_millis(age).count()), 0};
    case SortBy::bytes:
      return {bytes, 0};
  }
  return {};
}

bool Survey::has_topic(const EventStream& stream) const {
  if (order_.topic.empty()) return true;
  if (stream.subscription() == nullptr) return false;
  const auto& topics = stream.subscription()->channel().interest().topics;
  return std::any_of(topics.begin(), topics.end(),
                     [&](const hub::Selector& topic) { return topic.text() == order_.topic; });
}

void Survey::look_at(EventStream& stream, const Field& field) {
  const http::Exchange& exchange = stream.exchange();
  if (order_.task == Task::end_stream) {
    if (id_of(exchange) != order_.id) return;
    has_ended_one_ = true;
    stream.end(jitter(field.retry.min, field.retry.max), http::Ending::killed);
    return;
  }
  const std::string_view client =
      stream.client().empty() ? std::string_view(exchange.connection().peer) : stream.client();
  const bool fits = order_.route.empty() && has_topic(stream) &&
                    (order_.client.empty() || client == order_.client) &&
                    (order_.subject.empty() || stream.subject() == order_.subject);
  if (!fits) return;
  ++matched_;
  const TimePoint now = field.loop.now();
  const http::Progress progress = stream.progress();
  const SortKey key = key_of(progress, stream.bytes(), now - stream.begun());
  if (!streams_.takes(key)) return;
  StreamRow row{.key = key,
                .id = id_of(exchange),
                .client = std::string(client),
                .route = {},
                .topics = {},
                .subject = cut_text(stream.subject(), http::Account::kMostText),
                .protocol = std::string(exchange.connection().protocol),
                .age = in_millis(now - stream.begun()),
                .bytes = stream.bytes(),
                .progress = progress,
                .flow = exchange.flow(),
                .seen = now};
  if (stream.subscription() != nullptr) {
    for (const hub::Selector& topic : stream.subscription()->channel().interest().topics) {
      if (row.topic_count++ < http::Account::kMostTopics) {
        row.topics.push_back(cut_text(topic.text(), http::Account::kMostText));
      }
    }
  }
  streams_.add(std::move(row));
}

void Survey::look_at(relay::Stream& stream, const Field& field) {
  const relay::Stream::Facts facts = stream.facts();
  if (order_.task == Task::end_stream) {
    if (id_of(facts.exchange) != order_.id) return;
    has_ended_one_ = true;
    const Millis retry = jitter(field.retry.min, field.retry.max);
    facts.may_return ? stream.end(retry, http::Ending::killed)
                     : stream.cut(retry, http::Ending::killed);
    return;
  }
  const std::string_view client =
      facts.client.empty() ? std::string_view(facts.exchange.connection().peer) : facts.client;
  const bool fits = order_.topic.empty() && (order_.route.empty() || facts.route == order_.route) &&
                    (order_.client.empty() || client == order_.client) &&
                    (order_.subject.empty() || stream.subject() == order_.subject);
  if (!fits) return;
  ++matched_;
  const TimePoint now = field.loop.now();
  const http::Progress progress = stream.progress();
  const SortKey key = key_of(progress, facts.bytes, now - facts.begun);
  if (!streams_.takes(key)) return;
  streams_.add({.key = key,
                .id = id_of(facts.exchange),
                .client = std::string(client),
                .route = std::string(facts.route),
                .topics = {},
                .subject = cut_text(stream.subject(), http::Account::kMostText),
                .protocol = std::string(facts.exchange.connection().protocol),
                .age = in_millis(now - facts.begun),
                .bytes = facts.bytes,
                .progress = progress,
                .flow = facts.exchange.flow(),
                .seen = now});
}

/// True: it is to be closed.
bool Survey::look_at(const http::ServerSession& session, const Field& field) {
  const http::Connection& info = session.info();
  if (order_.task == Task::close_connection) {
    if (info.id != order_.id.connection) return false;
    has_ended_one_ = true;
    return true;
  }
  if (!order_.client.empty() && info.peer != order_.client) return false;
  ++matched_;
  const TimePoint now = field.loop.now();
  const http::Flow flow = session.flow();
  const Millis age = in_millis(now - info.since);
  const auto blocked = blocked_for(flow, now).value_or(Millis(0));
  // The slow one is who has not taken anything for longest.
  const http::Progress standing{.behind = static_cast<std::uint64_t>(blocked.count()),
                                .queued = flow.transport.unsent};
  const SortKey key = key_of(standing, flow.transport.sent, age);
  if (!connections_.takes(key)) return false;
  connections_.add({.key = key,
                    .id = {.connection = info.id},
                    .client = info.peer,
                    .via = info.via,
                    .protocol = std::string(info.protocol),
                    .is_tls = info.is_tls,
                    .age = age,
                    .open_requests = info.open_exchanges,
                    .event_streams = info.event_streams,
                    .flow = flow,
                    .seen = now});
  return false;
}

}  // namespace sluice::server
