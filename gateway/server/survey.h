/// Survey: one look at all streams, or all connections, of a worker: for an operator's list, or to
/// find the one that he wants to end.
///
/// A million streams are looked at a few hundred at a time, with turns of the loop between, by
/// turning the worker's list round: who was looked at goes to its end. Only the rows that an
/// operator will see are made.
///
/// Owner   the worker that it was given to, and who waits for it. Thread  that worker's until it is
/// over; then whoever has it.
/// Limits  `limit` rows; kChunk streams in one step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/units.h"
#include "gateway/http/exchange.h"
#include "gateway/net/connections.h"
#include "gateway/relay/stream.h"
#include "gateway/server/event_stream.h"

namespace sluice::server {

/// "CONNECTION-STREAM", or a connection's number alone.
struct StreamId {
  std::uint64_t connection = 0;
  std::uint64_t stream = 0;

  [[nodiscard]] static std::optional<StreamId> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const StreamId&, const StreamId&) = default;
};

/// What is sorted by: the larger comes first.
using SortKey = std::pair<std::uint64_t, std::uint64_t>;
enum class SortBy : std::uint8_t { lag, queued, age, bytes };

struct StreamRow {
  SortKey key{};
  StreamId id{};
  std::string client{};
  std::string route{};  ///< Empty: the hub's.
  std::vector<std::string> topics{};
  std::size_t topic_count = 0;
  std::string subject{};
  std::string protocol{};
  Millis age{};
  std::uint64_t bytes = 0;
  http::Progress progress{};
  http::Flow flow{};
  TimePoint seen{};  ///< When all this was so.
};

struct ConnectionRow {
  SortKey key{};
  StreamId id{};
  std::string client{};
  std::string via{};
  std::string protocol{};
  bool is_tls = false;
  Millis age{};
  std::size_t open_requests = 0;
  std::size_t event_streams = 0;
  http::Flow flow{};
  TimePoint seen{};
};

/// What holds it up: "socket_full", "window_shut", "lagging" or "ok".
[[nodiscard]] std::string_view state_of(const http::Flow& flow, const http::Progress& progress);
/// Since the socket took something; since anything was written. None: it is not so, or never was.
[[nodiscard]] std::optional<Millis> blocked_for(const http::Flow& flow, TimePoint now);
[[nodiscard]] std::optional<Millis> silent_for(const http::Flow& flow, TimePoint now);

/// Those with the largest keys, at most `limit` of them. Thread  its owner's.
template <class Row>
class Largest {
 public:
  explicit Largest(std::size_t limit) : limit_(limit) {}

  [[nodiscard]] bool takes(const SortKey& key) const {
    return limit_ > 0 && (rows_.size() < limit_ || key > rows_.front().key);
  }
  /// One that is there already is not added again.
  void add(Row row) {
    const auto is_it = [&row](const Row& other) { return other.id == row.id; };
    if (std::any_of(rows_.begin(), rows_.end(), is_it)) return;
    rows_.push_back(std::move(row));
    std::push_heap(rows_.begin(), rows_.end(), kIsLarger);
    if (rows_.size() <= limit_) return;
    std::pop_heap(rows_.begin(), rows_.end(), kIsLarger);
    rows_.pop_back();
  }
  /// From the largest on.
  [[nodiscard]] std::vector<Row> take() {
    std::sort(rows_.begin(), rows_.end(), kIsLarger);
    return std::move(rows_);
  }

 private:
  static constexpr auto kIsLarger = [](const Row& a, const Row& b) { return a.key > b.key; };
  const std::size_t limit_;
  std::vector<Row> rows_;  ///< A heap, the smallest in front.
};

class Survey {
 public:
  static constexpr std::size_t kChunk = 500;

  /// What a worker has.
  struct Field {
    net::Loop& loop;
    EventStreams& streams;
    relay::Streams* relayed;  ///< Null: there are no routes.
    /// How many there are of each, or a few more.
    std::size_t hub_count;
    std::size_t relayed_count;
    net::Connections& connections;
    const RetryOptions& retry;
  };
  enum class Task : std::uint8_t { list_streams, list_connections, end_stream, close_connection };
  struct Order {
    Task task = Task::list_streams;
    SortBy sort = SortBy::lag;
    std::size_t limit = 0;
    // Which; empty: all.
    std::string route{};
    std::string topic{};
    std::string client{};
    std::string subject{};
    StreamId id{};  ///< Of the one that is to end.
  };

  Survey(Order order, std::function<void()> done)
      : order_(std::move(order)),
        done_(std::move(done)),
        streams_(order_.limit),
        connections_(order_.limit) {}

  /// Looks at some more. True: there are others.
  [[nodiscard]] bool step(const Field& field);
  /// Its worker has finished it: tells who waits.
  void finish() { done_(); }

  // When it is over.
  [[nodiscard]] std::vector<StreamRow> streams() { return streams_.take(); }
  [[nodiscard]] std::vector<ConnectionRow> connections() { return connections_.take(); }
  [[nodiscard]] std::uint64_t matched() const { return matched_; }  ///< Streams or connections.
  [[nodiscard]] bool has_ended_one() const { return has_ended_one_; }

 private:
  [[nodiscard]] bool look_at_connections(const Field& field);
  void look_at(EventStream& stream, const Field& field);
  void look_at(relay::Stream& stream, const Field& field);
  [[nodiscard]] bool look_at(const http::ServerSession& session, const Field& field);
  [[nodiscard]] bool has_topic(const EventStream& stream) const;
  [[nodiscard]] SortKey key_of(const http::Progress& progress, std::uint64_t bytes,
                               Duration age) const;

  // Set in the constructor.
  const Order order_;
  const std::function<void()> done_;
  Largest<StreamRow> streams_;
  Largest<ConnectionRow> connections_;

  bool has_begun_ = false;
  std::optional<StreamId> first_;  ///< That was looked at.
  std::optional<StreamId> first_relayed_;
  std::size_t hub_left_ = 0;
  std::size_t relayed_left_ = 0;
  std::size_t connections_left_ = 0;
  std::uint64_t matched_ = 0;
  bool has_ended_one_ = false;
};

}  // namespace sluice::server
