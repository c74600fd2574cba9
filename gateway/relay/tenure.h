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

#include "gateway/base/assert.h"
#include "gateway/base/clock.h"
#include "gateway/base/slab.h"
#include "gateway/http/exchange.h"
#include "gateway/relay/late_answer.h"
#include "gateway/relay/stream_flag.h"
#include "gateway/relay/terms.h"

namespace sluice::relay {

/// What a tenure is in.
struct Phase {
  explicit Phase(bool opens) : is_opening(opens) {}
  virtual ~Phase() = default;
  Phase(Phase&&) = default;
  Phase& operator=(Phase&&) = delete;

  const bool is_opening;
};

/// What counts until the head.
struct Opening final : InSlab, Phase {
  Opening() : Phase(true) {}

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
  /// `openings`: of Opening; it outlives all of them.
  Tenure(const http::Request& request, Terms terms, Slab& openings);

  /// The head was not said yet.
  [[nodiscard]] bool is_opening() const { return phase_ != nullptr && phase_->is_opening; }
  /// Only then.
  [[nodiscard]] Opening& opening() {
    SLUICE_ASSERT(is_opening(), "the head of an answer was said already");
    return static_cast<Opening&>(*phase_);
  }
  [[nodiscard]] const Opening& opening() const {
    SLUICE_ASSERT(is_opening(), "the head of an answer was said already");
    return static_cast<const Opening&>(*phase_);
  }
  /// A part of the request's body passes by. True: it is what says that events are wanted.
  bool read_body(std::string_view bytes);

  /// Once, before the head of an event stream is said. False: there is no room for one, and
  /// instead() has responded.
  [[nodiscard]] bool admit();
  void settle();
  void drop_opening();
  void give_to(std::unique_ptr<http::Answer> instead);

  /// Who answers instead; null: nobody does.
  [[nodiscard]] http::Answer* instead() const {
    const Kept* const kept = this->kept();
    return kept == nullptr ? nullptr : kept->instead.get();
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
  struct Kept final : Phase {
    Kept() : Phase(false) {}

    TimePoint ends = TimePoint::max();
    TimePoint retires = TimePoint::max();
    std::string subject;
    std::string client;
    std::shared_ptr<void> lease;
    std::unique_ptr<http::Answer> instead;
  };

  /// Null: there is an opening, or nothing.
  [[nodiscard]] const Kept* kept() const {
    return phase_ == nullptr || is_opening() ? nullptr : static_cast<const Kept*>(phase_.get());
  }

  std::unique_ptr<Phase> phase_;  ///< Null: nothing is kept.
};
static_assert(sizeof(Tenure) == sizeof(void*), "each relayed stream has one");

}  // namespace sluice::relay
