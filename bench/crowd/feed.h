/// Feed: events on topics in turn, `bench/N`, through one publishing stream: so many a second.
///
/// Each topic has sequences of its own, so that a stream that reads one topic sees them rise by
/// one.
///
/// Owner   a scene.
/// Thread  one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/publish/stream_publisher.h"

namespace sluice::bench {

class Feed {
 public:
  struct Plan {
    std::size_t first_topic = 0;
    std::size_t topics = 1;
    std::size_t size = 100;       ///< Bytes of each event's data.
    std::uint64_t pause_ns = 0;   ///< What comes due within this is sent together.
    std::uint64_t in_flight = 0;  ///< At most so many that are not reported as delivered; 0: any.
  };

  Feed(const Poller& poller, ssl_ctx_st* tls, const H2Poster::Target& target, const Plan& plan);

  /// From now on so many events a second, evenly; 0: none.
  void set_rate(double events_per_second);
  /// So many events now, beside the rate.
  void publish(std::uint64_t events);
  /// No more events: the stream is ended, and is_over() once the gateway has answered.
  void finish();
  /// When the next event is due; UINT64_MAX: not before something changes.
  [[nodiscard]] std::uint64_t due_ns() const;
  /// Sends what is due. To be called after each turn, with what was delivered to one reader.
  void proceed(std::uint64_t delivered);

  [[nodiscard]] std::uint64_t published() const { return published_; }
  /// Of one topic, counted as in `bench/N`.
  [[nodiscard]] std::uint32_t published(std::size_t topic) const {
    return sequences_[topic - plan_.first_topic];
  }
  [[nodiscard]] std::uint64_t acknowledged() const { return publisher_.acknowledged(); }
  [[nodiscard]] const std::string& fault() const { return publisher_.fault(); }
  [[nodiscard]] bool is_open() const { return publisher_.is_open(); }
  [[nodiscard]] bool is_over() const { return publisher_.is_over(); }

 private:
  H2Poster::Fill fill(std::string& body);
  [[nodiscard]] bool has_room() const;
  void append(std::string& body, std::uint64_t now);

  const Plan plan_;
  double interval_ns_ = 0;  ///< Between two events; 0: there are none.
  double next_ns_ = 0;
  std::uint64_t asked_ = 0;    ///< By publish(), and not sent yet.
  std::uint64_t sent_ns_ = 0;  ///< When something was sent last.
  bool is_finishing_ = false;
  std::uint64_t delivered_ = 0;
  std::uint64_t published_ = 0;
  std::vector<std::uint32_t> sequences_;
  StreamPublisher publisher_;
};

}  // namespace sluice::bench
