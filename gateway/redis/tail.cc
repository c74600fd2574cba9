#include "gateway/redis/tail.h"

#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/redis/entry.h"
#include "gateway/redis/refusal.h"
#include "gateway/redis/script.h"

namespace sluice::redis {
namespace {

constexpr std::size_t kEntries = 512;  // At once …
constexpr std::size_t kFirst = 2;      // … when it is known how large they are.
constexpr Millis kBlock{1'000};
constexpr Millis kGather{2};                  // For so long, where in that time …
constexpr Millis kFull{10};                   // Until it is looked again whether there is room.
constexpr int kFast = 16;                     // … so many come.
constexpr std::chrono::seconds kSilence{30};  // Between two lines about what others wrote.
constexpr const char* kAnother = "it holds another history than before";

}  // namespace

Tail::Tail(const Wiring& wiring, std::string state_key, Place place, Counters& counters,
           Doors doors)
    : wiring_(wiring),
      state_key_(std::move(state_key)),
      epoch_(std::move(place.epoch)),
      counters_(counters),
      doors_(std::move(doors)),
      mark_(place.mark),
      pace_(kFirst, kEntries, wiring.options.answer_bytes),
      link_(wiring, "sluice-tail", *this),
      gather_(wiring.loop, [this] { go_on(); }),
      last_(place.last.value()) {}

void Tail::on_up() {
  if (!link_.is_doubted()) doors_.on_link("");
  ask_state();
}

void Tail::on_down(std::string_view why) {
  gather_.stop();
  doors_.on_link(why);
}

void Tail::ask_state() {
  if (is_broken_) return;
  link_.call(Words{"HMGET", state_key_, "epoch", "seq", "mark"}.command(),
             [this](const auto& answer) { on_state(answer); });
}

void Tail::look() {
  if (is_broken_ || !link_.is_up() || std::exchange(is_looking_, true)) return;
  link_.call(
      Words{"HMGET", state_key_, "epoch"}.command(),
      [this](const auto& answer) {
        is_looking_ = false;
        if (!answer || is_broken_ || answer->size() != 1) return;
        if ((*answer)[0].text() != epoch_) break_off(kAnother);
      },
      kBlock);
}

void Tail::on_state(const Result<Reply>& answer) {
  if (!answer || is_broken_) return;
  if (answer->is_error()) return link_.cut(read_refusal(answer->text()).what);
  if (answer->size() != 3) return link_.cut("its answer is not one to HMGET");
  if ((*answer)[0].text() != epoch_) return break_off(kAnother);
  const auto seq = static_cast<std::uint64_t>((*answer)[1].integer().value_or(0));
  const auto mark = static_cast<std::uint64_t>((*answer)[2].integer().value_or(0));
  if (seq < last().value()) {
    return renew(
        fmt::format("its newest event is {}, and {} was there before: a fail-over, or a "
                    "restart, lost events",
                    seq, last().value()));
  }
  if (seq == last().value() && mark != mark_) {
    return renew(fmt::format("event {} is another one than before: a fail-over lost events", seq));
  }
  expected_ = seq;
  // What cannot be read may be somebody else's, and is taken out unread.
  std::exchange(is_stuck_, false) ? take_out() : read_on();
}

void Tail::read_on() {
  link_.call(
      Words{"XREAD", "COUNT", std::to_string(pace_.count()), "BLOCK",
            std::to_string(kBlock.count()), "STREAMS", wiring_.key,
            fmt::format("{}-0", last().value())}
          .command(),
      [this](const auto& answer) { on_read(answer); }, kBlock);
}

void Tail::on_read(const Result<Reply>& answer) {
  if (!answer) {
    const bool is_oversized = answer.error().code == Errc::limit;
    if (is_oversized) counters_.oversized.add();
    is_stuck_ = is_oversized && pace_.count() == 1;
    // Or it did not come in time: a slow link brings a smaller one.
    return pace_.was_too_much();
  }
  if (is_broken_) return;
  if (answer->is_error()) return link_.cut(read_refusal(answer->text()).what);
  if (link_.believe()) doors_.on_link("");
  if (answer->size() == 0) return on_silence();
  const ReplyView entries = (*answer)[0][1];
  const bool was_all = entries.size() < pace_.count();
  pace_.took(entries.size(), answer->memory());
  bool goes_on = true;
  for (std::size_t i = 0; i < entries.size() && goes_on; ++i) goes_on = take(entries[i]);
  show();
  if (!goes_on) return;
  if (foreign_ > 0) return mend();
  is_fast(entries.size()) && was_all ? gather_.start(kGather) : go_on();
}

void Tail::go_on() {
  if (doors_.has_room()) return read_on();
  counters_.held.add();
  gather_.start(kFull);
}

bool Tail::is_fast(std::size_t entries) {
  const TimePoint now = wiring_.loop.now();
  const Duration since = now - std::exchange(read_at_, now);
  return entries * kGather >= kFast * since;
}

/// Nothing stands behind what was seen. If the state says otherwise, it was removed.
void Tail::on_silence() {
  if (expected_ <= last().value()) return ask_state();
  break_off(fmt::format("events {} to {} were removed before they were seen here",
                        last().next().value(), expected_));
}

void Tail::show() {
  if (!events_.empty()) {
    counters_.followed.add(events_.size());
    doors_.on_events(events_);
    events_.clear();
  }
  doors_.on_progress();
}

bool Tail::take(ReplyView reply) {
  auto entry = read_entry(reply, epoch_);
  if (!entry) {
    if (foreign_++ == 0) foreign_id_ = reply[0].text();
    return true;
  }
  if (entry->position != last().next()) {
    break_off(fmt::format("events {} to {} were removed before they were seen here",
                          last().next().value(), entry->position.value() - 1));
    return false;
  }
  if (entry->prev != mark_) {
    renew(fmt::format("event {} does not follow the {} that was seen: a fail-over lost events",
                      entry->position.value(), last().value()));
    return false;
  }
  if (!entry->epoch.empty()) {
    break_off("another instance found that events were lost, and began another history");
    return false;
  }
  mark_ = entry->mark;
  last_.store(entry->position.value(), std::memory_order_release);
  if (!entry->event) counters_.damaged.add();
  if (entry->event) events_.push_back(std::move(entry->event));
  return true;
}

/// Once: where that does not help, the link is made anew, more and more seldom.
void Tail::mend() {
  counters_.foreign.add(std::exchange(foreign_, 0));
  const TimePoint now = wiring_.loop.now();
  if (now >= next_word_of_them_) {
    next_word_of_them_ = now + kSilence;
    log::warning(
        "somebody wrote into the stream {} in Redis without the script: that is no event, and is "
        "taken out again. Publish by the script, or by POST",
        wiring_.key);
  }
  if (foreign_id_ == std::exchange(mended_id_, foreign_id_)) {
    mended_id_.clear();
    return link_.cut(fmt::format(
        "what was written into the stream {} without the script cannot be taken out: see XDEL",
        wiring_.key));
  }
  take_out();
}

void Tail::take_out() {
  link_.call(
      Words{"EVAL", kScript, "1", wiring_.key, "mend", std::to_string(last().value())}.command(),
      [this](const auto& answer) {
        if (!answer || is_broken_) return;
        if (answer->is_error()) return link_.cut(read_refusal(answer->text()).what);
        read_on();
      });
}

/// The text of the script goes along: this happens once in the life of a history.
void Tail::renew(const std::string& why) {
  if (!link_.is_up()) return;
  link_.call(Words{"EVAL", kScript, "1", wiring_.key, "renew", epoch_}.command(),
             [this, why](const auto& answer) {
               if (!answer || is_broken_) return;
               if (answer->is_error()) return link_.cut(read_refusal(answer->text()).what);
               break_off(why);
             });
}

void Tail::break_off(const std::string& why) {
  is_broken_ = true;
  counters_.breaks.add();
  doors_.on_broken(why);
}

}  // namespace sluice::redis
