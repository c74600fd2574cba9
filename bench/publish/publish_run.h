/// PublishRun: publishers as fast as they will go, and one subscriber that checks what comes.
///
/// Each request slot is a publisher of its own to the ledger, so that its events must come in the
/// order in which they were posted, also where slots race.
///
/// Thread  one; everything happens within its turns.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/audience.h"
#include "bench/load/subscriber.h"
#include "bench/load/usage.h"
#include "bench/publish/h2_poster.h"
#include "bench/publish/stream_publisher.h"

namespace sluice::bench {

struct PublishOptions {
  enum class Kind { form, batch, stream };

  Options load;  ///< Where the subscriber reads, sizes, times, server.
  /// Of each instance; connection N is to the N-th, around. Their paths are not used.
  std::vector<Url> publish;
  Kind kind = Kind::stream;
  std::size_t connections = 1;
  std::size_t in_flight = 1;  ///< Requests of each connection.
  std::size_t batch = 100;    ///< Events of a batch.

  [[nodiscard]] std::size_t slots() const { return connections * in_flight; }
};

/// Dies with one line when the command line cannot work.
PublishOptions publish_options_from(int argc, char** argv);

class PublishRun {
 public:
  explicit PublishRun(const PublishOptions& options);
  PublishRun(const PublishRun&) = delete;
  PublishRun& operator=(const PublishRun&) = delete;
  ~PublishRun();
  /// All of it; false when it could not be set up.
  bool perform();

  // What came of it; valid after perform().
  [[nodiscard]] Faults faults() const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string json() const;

 private:
  class Requests;  // the slots of one connection

  bool perform_all();
  void connect_publishers();
  [[nodiscard]] const H2Poster::Target& target_of(std::size_t connection) const {
    return targets_[connection % targets_.size()];
  }
  [[nodiscard]] bool all_open() const;
  /// May another event, or batch, be published?
  [[nodiscard]] bool has_room() const;
  std::string make_request(std::size_t slot);
  H2Poster::Fill make_events(std::size_t slot, std::string& body);
  void on_answer(std::size_t slot, bool is_good);
  /// Of each slot, the events that the gateway said it has.
  [[nodiscard]] std::vector<std::uint32_t> acknowledged() const;
  [[nodiscard]] bool is_settled() const;
  void turn_for(std::uint64_t duration_ns);
  void turn_until(std::uint64_t deadline_ns, const std::function<bool()>& is_done);

  const PublishOptions& options_;
  Audience audience_;
  TlsContextPtr tls_;
  const std::vector<H2Poster::Target> targets_;
  std::unique_ptr<Subscriber> subscriber_;
  std::vector<std::unique_ptr<Requests>> requests_;
  std::vector<std::unique_ptr<StreamPublisher>> streams_;
  std::vector<std::uint32_t> made_;          ///< Events of each slot that were posted.
  std::vector<std::uint32_t> acknowledged_;  ///< And that were answered with 200.
  std::uint64_t published_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t lost_ = 0;
  bool is_publishing_ = false;
  bool is_unfinished_ = true;
  Usage from_, to_;
  std::uint64_t had_from_ = 0, had_to_ = 0;  ///< Deliveries.
  Histogram answer_;                         ///< From a request to its answer, while measured.
};

}  // namespace sluice::bench
