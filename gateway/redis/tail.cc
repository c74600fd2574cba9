#include "gateway/redis/tail.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/redis/entry.h"
#include "gateway/redis/script.h"

namespace sluice::redis {
namespace {

constexpr std::string_view kEntries = "512";
constexpr Millis kBlock{1'000};

}  // namespace

Tail::Tail(const Wiring& wiring, std::string state_key, Place place, Counters& counters,
           Doors doors)
    : wiring_(wiring),
      state_key_(std::move(state_key)),
      epoch_(std::move(place.epoch)),
      counters_(counters),
      doors_(std::move(doors)),
      mark_(place.mark),
      link_(wiring, "sluice-tail", *this),
      last_(place.last.value()) {}

void Tail::on_up() {
  doors_.on_link("");
  ask_state();
}

void Tail::on_down(std::string_view why) {
  doors_.on_link(why);
}

void Tail::ask_state() {
  if (is_broken_) return;
  link_.call(Words{"HMGET", state_key_, "epoch", "seq", "mark"}.command(),
             [this](const auto& answer) { on_state(answer); });
}

void Tail::on_state(const Result<Reply>& answer) {
  if (!answer || is_broken_) return;
  if (answer->is_error()) return link_.cut(answer->text());
  if (answer->size() != 3 || (*answer)[0].text() != epoch_) {
    return break_off("it holds another history than before");
  }
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
  read_on();
}

void Tail::read_on() {
  link_.call(
      Words{"XREAD", "COUNT", kEntries, "BLOCK", std::to_string(kBlock.count()), "STREAMS",
            wiring_.key, fmt::format("{}-0", last().value())}
          .command(),
      [this](const auto& answer) { on_read(answer); }, kBlock);
}

void Tail::on_read(const Result<Reply>& answer) {
  if (!answer || is_broken_) return;
  if (answer->is_error()) return link_.cut(answer->text());
  if (answer->size() == 0) return ask_state();
  const ReplyView entries = (*answer)[0][1];
  bool goes_on = true;
  for (std::size_t i = 0; i < entries.size() && goes_on; ++i) goes_on = take(entries[i]);
  if (!events_.empty()) {
    counters_.followed.add(events_.size());
    doors_.on_events(events_);
    events_.clear();
  }
  doors_.on_progress();
  if (goes_on) read_on();
}

bool Tail::take(ReplyView reply) {
  auto entry = read_entry(reply, epoch_);
  if (!entry) {
    link_.cut(fmt::format(
        "somebody wrote into the stream {} without the script: remove what is not of it, see XDEL",
        wiring_.key));
    return false;
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
  if (entry->event) events_.push_back(std::move(entry->event));
  return true;
}

/// The text of the script goes along: this happens once in the life of a history.
void Tail::renew(const std::string& why) {
  if (!link_.is_up()) return;
  link_.call(Words{"EVAL", kScript, "1", wiring_.key, "renew", epoch_}.command(),
             [this, why](const auto& answer) {
               if (!answer || is_broken_) return;
               if (answer->is_error()) return link_.cut(answer->text());
               break_off(why);
             });
}

void Tail::break_off(const std::string& why) {
  is_broken_ = true;
  counters_.breaks.add();
  doors_.on_broken(why);
}

}  // namespace sluice::redis
