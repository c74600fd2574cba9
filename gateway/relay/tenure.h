/// Tenure: on what terms a client's exchange is open, from its request to its end.
///
/// Until the head of its answer was said, all of its Terms count, and what its request asks for:
/// its Opening. From then on only what an event stream may be ended by (whose it is, and when the
/// token ends) and the lease of its place; an exchange that has none of these keeps nothing.
///
///   opening ─┬─► settle(): the head was said, and what goes on is kept
///            ├─► drop_opening(): the answer is over, and was no stream
///            └─► admit(), give_to(): somebody else answers instead
///
/// Owner   Passage or ReaderStream, by value. Thread  its worker's.
/// Invariant  there is an opening or something kept, never both; the lease of an admitted stream is
///            held until this is destroyed, for its client may not have read all.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/http/exchange.h"
#include "gateway/relay/late_answer.h"
#include "gateway/relay/stream_flag.h"
#include "gateway/relay/terms.h"

namespace sluice::relay {

/// What counts until the head.
struct Opening {
  Terms terms;
  bool is_get = false;
  /// What a POST has begun is not asked for again, however old it is.
  [[nodiscard]] TimePoint retires() const { return is_get ? terms.retires : TimePoint::max(); }
  bool is_head = false;       ///< The request's method is HEAD.
  bool wants_events = false;  ///< It accepts text/event-stream …
  StreamFlag stream_flag;     ///< … or its body says so.
  LateAnswer late;            ///< Of one that was answered early.

  /// Its client can be given the head of a stream before anybody knows that it will be one.
  [[nodiscard]] bool may_be_early() const {
    return !is_head && (wants_events || stream_flag.is_set());
  }
};

class Tenure {
 public:
  Tenure(const http::Request& request, Terms terms);

  /// The head was not said yet.
  [[nodiscard]] bool is_opening() const { return opening_ != nullptr; }
  /// Only then.
  [[nodiscard]] Opening& opening() { return *opening_; }
  [[nodiscard]] const Opening& opening() const { return *opening_; }
  /// A part of the request's body passes by. True: it is what says that events are wanted.
  bool read_body(std::string_view bytes);

  /// Once, before the head of an event stream is said. False: there is no room for one, and
  /// instead() has responded.
  [[nodiscard]] bool admit();
  void settle();
  void drop_opening() { opening_.reset(); }
  void give_to(std::unique_ptr<http::Answer> instead);

  /// Who answers instead; null: nobody does.
  [[nodiscard]] http::Answer* instead() const {
    return kept_ == nullptr ? nullptr : kept_->instead.get();
  }
  /// When an event stream must end: its token is no longer good.
  [[nodiscard]] TimePoint ends() const;
  /// When it is old, and ends as soon as no event is begun.
  [[nodiscard]] TimePoint retires() const;
  /// Of the token; empty: none.
  [[nodiscard]] std::string_view subject() const;
  /// The address of who asks, where that is not the connection's; else empty.
  [[nodiscard]] std::string_view client() const;

 private:
  struct Kept {
    TimePoint ends = TimePoint::max();
    TimePoint retires = TimePoint::max();
    std::string subject;
    std::string client;
    std::shared_ptr<void> lease;
    std::unique_ptr<http::Answer> instead;
  };

  std::unique_ptr<Opening> opening_;
  std::unique_ptr<Kept> kept_;
};

}  // namespace sluice::relay
