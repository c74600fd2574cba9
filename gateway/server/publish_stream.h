/// PublishStream: events that are published by one request that does not end, and the
/// acknowledgements beside them.
///
///   body ─► input_ ─► PublishParser ─► pending_ ─► group_ ─► journal.append ─► acknowledgement
///
/// While one group is being appended the next one collects. When that is full, or the journal, the
/// workers or the publisher's own rate hold it up, bytes stay in input_ and are not given back to
/// the publisher's window: it waits, and nothing is lost or refused. What ends the stream before
/// the publisher does (a broken rule, a token that expires, a drain) lets the events before it be
/// appended and acknowledged first.
///
/// Owner   its session, as every http::Answer. Thread  its worker only; the journal may answer from
///         any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/intrusive_list.h"
#include "gateway/base/timer_wheel.h"
#include "gateway/http/exchange.h"
#include "gateway/server/publish_answer.h"
#include "gateway/server/publish_fields.h"
#include "gateway/server/publish_parser.h"
#include "gateway/server/publisher.h"

namespace sluice::server {

class PublishStream final : public http::Answer,
                            public ListHook<PublishStreamTag>,
                            private Deadline {
 public:
  struct Job {
    Fields common;  ///< What each event begins with.
    Rules rules;
    Publisher publisher;
    http::Headers extra;       ///< Of the answer.
    bool wants_acks = true;    ///< False: one at the end, and no heartbeats.
    bool begins_late = false;  ///< The head goes out with the first bytes of the body, or soon.
  };

  PublishStream(const PublishSetting& setting, Job job, http::Exchange& exchange);
  PublishStream(const PublishStream&) = delete;
  PublishStream& operator=(const PublishStream&) = delete;
  ~PublishStream() override;

  /// Takes no more, acknowledges what it took, says when to come back, and ends the body.
  void end(Millis retry);
  /// The same, because its token counts no more.
  void revoke();
  [[nodiscard]] const std::string& subject() const { return job_.publisher.subject; }

  void on_body(std::string_view bytes) override;
  void on_body_end() override;
  Ready ready(std::size_t max) override;
  void take(std::span<std::byte> out) override;

 private:
  using Receipts = Result<std::vector<journal::Receipt>>;
  /// Why the stream ends before the publisher ends it.
  struct Fault {
    int status = 0;
    std::string message;
  };
  /// Outlives the stream as long as a group is being appended.
  struct Link {
    PublishStream* stream = nullptr;
    std::vector<sse::Draft> rest;  ///< Whole events that a stream which is gone had taken.
  };

  void begin();
  void pump();
  void take_events();
  void take_event(Fields fields);
  bool append_group();
  void on_appended(const Receipts& receipts);
  void count(const std::vector<journal::Receipt>& receipts);
  void stop(Fault fault);
  void cut();
  void drop_waiting();
  void finish();

  void hold_up(TimePoint now);
  void set_waiting(bool is_waiting);
  void write_ack(TimePoint now);
  [[nodiscard]] std::string ack() const;
  [[nodiscard]] std::size_t text_left() const { return text_.size() - text_taken_; }

  void on_deadline(TimePoint now) override;
  void look_at(TimePoint due);
  void schedule(TimePoint now);

  const PublishSetting& setting_;
  Job job_;
  http::Exchange& exchange_;
  const std::shared_ptr<Link> link_ = std::make_shared<Link>();
  PublishParser parser_;

  // On the way to the journal.
  std::string input_;  ///< Not parsed yet, and not given back.
  std::vector<sse::Draft> pending_;
  std::size_t pending_bytes_ = 0;
  std::vector<sse::Draft> group_;  ///< Being appended, or to be appended again.
  std::size_t taken_ = 0;          ///< Events that were read and found good.

  // Appended.
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t repeats_ = 0;
  std::string last_id_;

  // The answer.
  std::string text_;
  std::size_t text_taken_ = 0;
  std::optional<Fault> fault_;
  std::optional<Millis> retry_;  ///< Of a drain.

  Duration heartbeat_{};  ///< 0: none.
  TimePoint last_write_;
  TimePoint last_input_;
  TimePoint last_ack_;
  TimePoint held_until_{};  ///< While it is waiting.
  TimePoint deadline_{};    ///< When on_deadline() is armed for.

  bool has_begun_ = false;
  bool is_body_over_ = false;
  bool is_closed_ = false;  ///< No event is taken any more.
  bool is_cut_ = false;     ///< Nothing is waited for any more, but the journal.
  bool is_appending_ = false;
  bool is_pumping_ = false;
  bool is_waiting_ = false;
  bool has_news_ = false;  ///< Something was appended and is not acknowledged.
  bool is_last_ = false;   ///< text_ is the end of the body.
};

}  // namespace sluice::server
