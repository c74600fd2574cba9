/// Publisher: has events appended by the script in Redis, on a connection of its own.
///
///   submit() ─► queue ─► call (several batches, one step of the script) ─► kept ─► answered
///                 ▲          │                                             until the tail has
///                 │          └─ link lost: again, under the same number,    shown the events
///                 └──────────── and what was done before is answered
///
/// What a refusal of Redis means for a batch:
///   NOSCRIPT                                    the script is loaded, the call repeated
///   LOADING, READONLY, BUSY, MASTERDOWN, …      the link is made anew, the call repeated
///   OOM, MISCONF, NOREPLICAS                    nothing was kept: Errc::limit, at once
///   EPOCH                                       nothing was kept: Errc::limit
///   an error within the script                  nobody knows: Errc::expired
///   anything else                               nothing was kept; each of its batches is sent by
///                                               itself, and what is refused then: Errc::io
/// unless the call is one that was made before and had no answer: then it is Errc::expired. So is
/// one that is kept, and that fewer replicas than wait_replicas confirm (WAIT); its text says so.
/// When publish_timeout is over, a batch that was never sent is Errc::limit; one that was sent and
/// not answered is Errc::expired, nobody knows whether it is kept; one that is kept is answered as
/// such, though the tail does not show it yet.
///
/// Owner   RedisJournal. Thread  its thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/journal/counters.h"
#include "gateway/journal/journal.h"
#include "gateway/net/timer.h"
#include "gateway/redis/counters.h"
#include "gateway/redis/link.h"
#include "gateway/redis/options.h"

namespace sluice::redis {

/// What one append() brought.
struct Batch {
  Words words;
  std::size_t drafts = 0;
  journal::Appended done;
  TimePoint due{};
  bool is_alone = false;  ///< It shares no call: of one that did, something was refused.
  // When it is kept.
  std::vector<journal::Receipt> receipts = {};
  sse::Position last = {};
};

class Publisher final : private Link::Events {
 public:
  struct Doors {
    std::function<sse::Position()> followed;                ///< How far the tail is.
    std::function<void()> on_other_history;                 ///< Redis says that it holds one.
    std::function<void(std::string_view trouble)> on_link;  ///< "": it is up.
    /// Events or bytes of the history, as the script says; every second.
    std::function<void(sse::Position first, std::size_t bytes)> on_figures;
  };

  struct Setting {
    const Options& options;
    std::string epoch;
  };

  Publisher(const Wiring& wiring, Setting setting, journal::WriterCounters& written,
            Counters& counters, Doors doors);
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void start();
  /// Several may be submitted before pump(); they go together.
  void submit(Batch batch);
  void pump();
  /// The tail has shown more.
  void on_progress();
  /// Nothing waits to be answered.
  [[nodiscard]] bool is_idle() const;
  /// Answers all that waits, as when its time is over.
  void give_up();

 private:
  struct Call {
    std::uint64_t number = 0;
    std::vector<Batch> batches;
    bool is_unknown = false;  ///< It was sent, and no answer came.
    bool is_given_up = false;
  };
  using CallPtr = std::shared_ptr<Call>;

  void on_up() override;
  void on_down(std::string_view why) override;
  void load();
  void send(const CallPtr& call);
  [[nodiscard]] bool has_group() const;
  CallPtr make_call();
  void on_answer(const CallPtr& call, const Result<Reply>& answer);
  void on_refusal(const CallPtr& call, std::string_view text);
  void turn_down(Call& call, Errc code, const std::string& why);
  void on_fault(Call& call, const std::string& why);
  void on_kept(const CallPtr& call, const Reply& reply);
  void on_replicated(const CallPtr& call, const Result<Reply>& answer);
  void leave_unconfirmed(Call& call, const std::string& why);
  [[nodiscard]] std::string said_by(std::size_t replicas) const;
  void keep(const CallPtr& call);
  void unsend(const CallPtr& call);
  void repeat(const CallPtr& call);
  void refuse(Call& call, Errc code, const std::string& why);
  void give_up(Call& call, const std::string& why);
  void complain(const std::string& why);
  void look_at_time();
  void expire(TimePoint now);
  void tidy();

  // Set in the constructor.
  const Wiring& wiring_;
  const Options& options_;
  const std::string epoch_;
  const std::string sender_;  ///< Names this process among all that append.
  journal::WriterCounters& written_;
  Counters& counters_;
  const Doors doors_;

  std::string sha_;  ///< Of the script; empty: it is not loaded on this link.
  bool is_loading_ = false;
  std::string trouble_ = "it was not reached yet";
  TimePoint next_complaint_{};
  std::uint64_t next_number_ = 1;
  std::deque<Batch> queue_;
  std::deque<CallPtr> again_;  ///< To be sent before the queue, in this order.
  std::deque<CallPtr> sent_;   ///< Without an answer.
  std::deque<Batch> kept_;     ///< Until the tail has shown them.
  Link link_;
  net::Timer clock_;
  net::Timer tidy_;
};

}  // namespace sluice::redis
