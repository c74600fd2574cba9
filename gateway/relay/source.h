/// Source: one upstream stream on its way into a Log.
///
/// It asks, reads, gives events their ids, and asks again where a stream broke off, unseen by its
/// readers. It goes on as long as the log has readers, and for `linger` behind the last, unless its
/// connection is wanted meanwhile by who has none (upstream.h).
///
///   asking ─► live ─► over          the upstream's end, or nobody wants it any more
///     │        │ ▲
///     │        ▼ │                  broken off, GET only: after its `retry` (1 s), twice that …
///     │       away, asking again    30 s, or 5 s while no connection can be had; with its last id
///     └─► plain                     no event stream: the answer goes to the asker alone
///
/// What ends a stream: its framing (last chunk, length, END_STREAM), unless on_end = reconnect; the
/// end of the connection where only that can, if the upstream still takes connections (else it is
/// restarting, and the stream broke off); a 204 to a request that asked again. All these are clean
/// ends. As the route's `errors` say it ends when such a request gets any other answer that is no
/// event stream, at once, but for 408, 429 and 5xx, which it tries 10 times in a row; and when the
/// answer to a POST breaks off. Who asks anew gets the upstream's own word.
///
/// Ids: in a log with names an event keeps the id of its block if a reader can send it back
/// (text of at most 200 bytes, no control characters, no blanks at its ends) and no other event
/// held has it; it gets NAME-N otherwise. In one without, its wire says the id that sticks to it,
/// so that whoever begins or skips somewhere has the right one.
///
/// Owner   Sharing. Thread  its worker's: the log's home.
/// Limits  route.max_event_bytes: a larger event is skipped, and a gap event stands for it. What
///         the log has no room for is left at the upstream, but for its window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/timer_wheel.h"
#include "gateway/relay/door.h"
#include "gateway/relay/log.h"
#include "gateway/relay/route_context.h"
#include "gateway/relay/source_call.h"
#include "gateway/relay/sources.h"
#include "gateway/sse/parser.h"

namespace sluice::relay {

/// For whom the first request is made: its body is his, and so is an answer that is no stream.
class Asker {
 public:
  virtual void on_plain_answer(http::Response head, std::optional<std::uint64_t> length) = 0;
  /// To be paid by Source::consume().
  virtual void on_plain_bytes(std::string_view bytes) = 0;
  virtual void on_plain_end() = 0;
  virtual void on_plain_broken() = 0;
  /// The Source goes; nothing more comes from it.
  virtual void on_source_gone() = 0;
  virtual http::Answer::Ready body_ready(std::size_t max) = 0;
  virtual void give_body(std::span<std::byte> out) = 0;

 protected:
  ~Asker() = default;
};

class Source final : private SourceCall::Owner, private Bellman, private Deadline {
 public:
  struct Setting {
    RouteContext& route;
    Sources& sources;
    std::function<std::unique_ptr<SourceCall>(RouteContext&, SourceCall::Owner&)> make_call;
    /// It is over, and may be destroyed once it is no longer inside a function.
    std::function<void(Source&)> bury;
  };

  /// The log has its first reader by now.
  Source(Setting setting, std::shared_ptr<Log> log, http::Outgoing request, Asker* asker);
  ~Source() override;
  void start();

  // The asker's.
  /// He goes. `is_body_complete`: all of his request has been taken.
  void forget_asker(bool is_body_complete);
  void wake_body() { call_->wake_body(); }
  void consume(std::size_t n);
  [[nodiscard]] Log& log() { return *log_; }

 private:
  enum class State : std::uint8_t { asking, plain, live, away, asking_again, probing, over };

  // SourceCall::Owner
  void on_answer(http::Response head, std::optional<std::uint64_t> length) override;
  void on_bytes(std::string_view bytes) override;
  void on_complete(bool until_close) override;
  void on_broken(const Broken& broken) override;
  void on_probe(bool is_there) override;
  bool on_wanted() override;
  http::Answer::Ready body_ready(std::size_t max) override;
  void give_body(std::span<std::byte> out) override;
  // Bellman
  void on_ring() override;
  // Deadline
  void on_deadline(TimePoint now) override;

  void on_first_answer(http::Response head, std::optional<std::uint64_t> length);
  void on_next_answer(const http::Response& head);
  void begin_stream();
  /// As much as the log has room for, and reads on or waits.
  void digest();
  [[nodiscard]] std::size_t feed_some(std::string_view bytes);
  [[nodiscard]] std::size_t fill(const Log::Room& room, std::string_view bytes);
  void settle();
  void come_back_later(Millis most);
  void ask_again();
  void probe();
  void finish(End end, Parting parting = {});
  void die();
  [[nodiscard]] Millis linger() const;
  /// How long the upstream may say nothing in the state that this is in; 0: as long as it likes.
  [[nodiscard]] Millis patience() const;
  [[nodiscard]] bool is_asking() const {
    return state_ == State::asking || state_ == State::asking_again;
  }
  [[nodiscard]] bool is_named() const { return log_->setting().has_names; }
  void arm();

  // What the parser finds.
  void on_message(sse::Message message);
  void on_retry(Millis retry);
  void on_lone_id(const std::string& id);
  void on_overflow();
  void add(Item item);
  /// Something may be missing behind the event with that id.
  void add_gap(sse::GapReason reason, std::string_view behind, std::uint64_t missed);
  void flush();
  void note_memory();
  void note_id(const std::string& id);
  [[nodiscard]] bool may_keep(const sse::Message& message);
  [[nodiscard]] std::string next_id() const;
  /// Of the last event, as its readers come back with it; empty: none.
  [[nodiscard]] std::string last_id() const;

  // Set in the constructor.
  const Setting setting_;
  const std::shared_ptr<Log> log_;
  const std::unique_ptr<SourceCall> call_;
  const http::Outgoing request_;  ///< With the asker's Last-Event-ID, if it is his stream alone.
  const bool is_get_;

  Asker* asker_;
  State state_ = State::asking;
  std::unique_ptr<sse::Parser> parser_;  ///< Of this connection.
  std::string held_;                     ///< What the log has no room for.
  std::size_t unpaid_ = 0;               ///< Of a plain answer: what the asker has not taken.
  std::vector<ItemPtr> batch_;
  std::uint64_t next_ = 1;   ///< The number of the next item.
  std::uint64_t made_ = 0;   ///< Bytes of wire of all before it.
  std::string upstream_id_;  ///< What the upstream is asked with again; empty: it has no ids.
  std::string sticky_id_;    ///< As a client sees it who has read everything.
  bool has_had_id_ =
      false;  ///< A client may have an id, which has to be reset where there is none.
  bool has_events_ = false;
  bool has_told_retry_ = false;
  bool must_resume_ =
      false;  ///< Asked to go on behind a client's id, and has not shown that it can.
  bool is_dead_ = false;
  /// How the answer ended, while not all of it is in the log.
  enum class Ending : std::uint8_t { none, complete, until_close, broken } ending_ = Ending::none;
  Failure failure_ = Failure::closed;  ///< With Ending::broken.
  std::string cause_;                  ///< The same.
  Millis retry_{1'000};
  std::uint32_t failures_ = 0;  ///< In a row.
  std::uint32_t refusals_ = 0;  ///< The same, of answers that were no event stream.
  std::size_t noted_memory_ = 0;
  TimePoint last_read_;
  TimePoint retry_at_ = TimePoint::max();  ///< Then it is asked again, or whether it is there.
  TimePoint idle_until_ = TimePoint::max();
};

}  // namespace sluice::relay
