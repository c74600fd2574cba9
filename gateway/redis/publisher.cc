#include "gateway/redis/publisher.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/redis/refusal.h"
#include "gateway/redis/script.h"
#include "gateway/sse/event_id.h"

namespace sluice::redis {
namespace {

constexpr Millis kLook{50};
constexpr Millis kTidy{1'000};
constexpr std::chrono::seconds kSilence{30};  // Between two lines about what Redis refuses.
/// A call costs Redis as much as five events. While so many are on their way, what comes waits for
/// company, until one is answered.
constexpr std::size_t kEager = 2;

constexpr std::string_view kUnknown =
    "Redis did not say in time whether it kept this; it may have. Publish it again with the same "
    "idempotency key";

}  // namespace

Publisher::Publisher(const Wiring& wiring, Setting setting, journal::WriterCounters& written,
                     Counters& counters, Doors doors)
    : wiring_(wiring),
      options_(setting.options),
      epoch_(std::move(setting.epoch)),
      sender_(sse::make_epoch()),
      written_(written),
      counters_(counters),
      doors_(std::move(doors)),
      link_(wiring, "sluice-publisher", *this),
      clock_(wiring.loop, [this] { look_at_time(); }),
      tidy_(wiring.loop, [this] { tidy(); }) {}

void Publisher::start() {
  link_.start();
  tidy_.start_periodic(kTidy);
}

void Publisher::submit(Batch batch) {
  queue_.push_back(std::move(batch));
  if (!clock_.is_running()) clock_.start_periodic(kLook);
}

bool Publisher::is_idle() const {
  return queue_.empty() && again_.empty() && sent_.empty() && kept_.empty();
}

// --- To Redis -----------------------------------------------------------------------------------

void Publisher::on_up() {
  trouble_ = "it does not answer";
  if (!link_.is_doubted()) doors_.on_link("");
  load();
}

void Publisher::on_down(std::string_view why) {
  trouble_ = why;
  sha_.clear();
  is_loading_ = false;
  doors_.on_link(why);
}

void Publisher::load() {
  if (std::exchange(is_loading_, true)) return;
  sha_.clear();
  link_.call(Words{"SCRIPT", "LOAD", kScript}.command(), [this](const auto& answer) {
    is_loading_ = false;
    if (!answer) return;
    if (answer->is_error()) return link_.cut(answer->text());
    sha_ = answer->text();
    pump();
  });
}

void Publisher::pump() {
  while (link_.is_up() && !sha_.empty() && sent_.size() < options_.calls) {
    if (!again_.empty()) {
      const CallPtr call = std::move(again_.front());
      again_.pop_front();
      send(call);
    } else if (sent_.size() < kEager ? !queue_.empty() : has_group()) {
      send(make_call());
    } else {
      return;
    }
  }
}

/// As much waits as goes into one call.
bool Publisher::has_group() const {
  std::size_t drafts = 0;
  std::size_t bytes = 0;
  return std::any_of(queue_.begin(), queue_.end(), [&](const Batch& batch) {
    drafts += batch.drafts;
    bytes += batch.words.bytes();
    return batch.is_alone || drafts >= options_.group_events || bytes >= options_.group_bytes;
  });
}

Publisher::CallPtr Publisher::make_call() {
  auto call = std::make_shared<Call>();
  call->number = next_number_++;
  std::size_t drafts = 0;
  std::size_t bytes = 0;
  while (!queue_.empty()) {
    Batch& batch = queue_.front();
    const bool is_full = drafts + batch.drafts > options_.group_events ||
                         bytes + batch.words.bytes() > options_.group_bytes;
    const bool is_apart = batch.is_alone || (drafts > 0 && call->batches.back().is_alone);
    if ((is_full || is_apart) && drafts > 0) break;
    drafts += batch.drafts;
    bytes += batch.words.bytes();
    call->batches.push_back(std::move(batch));
    queue_.pop_front();
  }
  return call;
}

void Publisher::send(const CallPtr& call) {
  if (call->is_unknown) counters_.again.add();
  counters_.calls.add();
  Words words{"EVALSHA",
              sha_,
              "1",
              wiring_.key,
              "append",
              epoch_,
              fmt::format("{}:{}", sender_, call->number)};
  for (const Batch& batch : call->batches) words.add(batch.words);
  sent_.push_back(call);
  link_.call(words.command(), [this, call](const auto& answer) { on_answer(call, answer); });
  if (options_.wait_replicas == 0) return;
  // It holds up what is behind it on this link, until they have it or it is given up.
  const Millis patience = options_.publish_timeout / 2;
  link_.call(
      Words{"WAIT", std::to_string(options_.wait_replicas), std::to_string(patience.count())}
          .command(),
      [this, call](const auto& answer) { on_replicated(call, answer); }, patience);
}

/// It is no longer at Redis, one way or the other.
void Publisher::unsend(const CallPtr& call) {
  std::erase(sent_, call);
}

/// In the order in which they were made, whatever came back first.
void Publisher::repeat(const CallPtr& call) {
  const auto behind = std::find_if(again_.begin(), again_.end(), [&](const CallPtr& other) {
    return other->number > call->number;
  });
  again_.insert(behind, call);
}

// --- What Redis says ----------------------------------------------------------------------------

void Publisher::on_answer(const CallPtr& call, const Result<Reply>& answer) {
  if (answer && link_.believe()) doors_.on_link("");
  if (answer && !answer->is_error()) {
    std::size_t drafts = 0;
    for (const Batch& batch : call->batches) drafts += batch.drafts;
    if (answer->size() == 3 * drafts) return on_kept(call, *answer);
    call->is_unknown = true;
    unsend(call);
    if (!call->is_given_up) repeat(call);
    return link_.cut("its answer is not one of our script's");
  }
  unsend(call);
  if (call->is_given_up) return;
  if (!answer) {
    call->is_unknown = true;
    return repeat(call);
  }
  on_refusal(call, answer->text());
}

void Publisher::on_refusal(const CallPtr& call, std::string_view text) {
  const Refusal refusal = read_refusal(text);
  const bool is_final =
      refusal.meaning != Meaning::script_is_gone && refusal.meaning != Meaning::not_now;
  if (is_final) complain(refusal.what);
  switch (refusal.meaning) {
    case Meaning::script_is_gone:
      repeat(call);
      return load();
    case Meaning::not_now:
      repeat(call);
      return link_.cut(refusal.what);
    case Meaning::nothing_kept:
      return turn_down(*call, Errc::limit, refusal.what);
    case Meaning::other_history:
      doors_.on_other_history();
      return turn_down(*call, Errc::limit, refusal.what);
    case Meaning::broke_off:
      return give_up(*call, fmt::format("The script failed in Redis, which may have kept this: {}",
                                        refusal.what));
    case Meaning::other:
      return on_fault(*call, "Redis refuses to append: " + refusal.what);
  }
}

/// One batch may have an event that the script does not take; the others have done nothing.
void Publisher::on_fault(Call& call, const std::string& why) {
  if (call.is_unknown || call.batches.size() == 1) return turn_down(call, Errc::io, why);
  while (!call.batches.empty()) {
    queue_.push_front(std::move(call.batches.back()));
    queue_.front().is_alone = true;
    call.batches.pop_back();
  }
  pump();
}

void Publisher::complain(const std::string& why) {
  const TimePoint now = wiring_.loop.now();
  if (now < next_complaint_) return;
  next_complaint_ = now + kSilence;
  log::warning("Redis refused what was published: {}. Its publishers are told", why);
}

/// Nothing was kept this time. Whether it was before, when no answer came, nobody knows.
void Publisher::turn_down(Call& call, Errc code, const std::string& why) {
  if (!call.is_unknown) return refuse(call, code, why);
  give_up(call, fmt::format("{}. And now: {}", kUnknown, why));
}

/// Three words for each draft: its id, its position, whether it is a repeat.
void Publisher::on_kept(const CallPtr& call, const Reply& reply) {
  std::size_t at = 0;
  for (Batch& batch : call->batches) {
    for (std::size_t i = 0; i < batch.drafts; ++i, at += 3) {
      const bool is_repeat = reply[at + 2].text() == "1";
      batch.receipts.push_back({std::string(reply[at].text()), is_repeat});
      const auto position = static_cast<std::uint64_t>(reply[at + 1].integer().value_or(0));
      batch.last = std::max(batch.last, sse::Position(position));
      (is_repeat ? written_.repeats : written_.appended).add();
    }
  }
  written_.groups.add();
  if (options_.wait_replicas == 0) keep(call);
}

void Publisher::on_replicated(const CallPtr& call, const Result<Reply>& answer) {
  const bool is_here = std::find(sent_.begin(), sent_.end(), call) != sent_.end();
  if (!is_here) return;  // It was not kept.
  if (!answer) {
    // That it was appended is known, but not by whom. It is asked again, and waited for again.
    for (Batch& batch : call->batches) batch.receipts.clear();
    return on_answer(call, answer);
  }
  const auto replicas = static_cast<std::size_t>(answer->integer().value_or(0));
  if (replicas >= options_.wait_replicas) return keep(call);
  unsend(call);
  if (call->is_given_up) return;
  leave_unconfirmed(*call, answer->is_error() ? std::string(answer->text()) : said_by(replicas));
}

std::string Publisher::said_by(std::size_t replicas) const {
  return fmt::format("{} of {} replicas said in time that they have it", replicas,
                     options_.wait_replicas);
}

void Publisher::keep(const CallPtr& call) {
  unsend(call);
  if (!call->is_given_up) {
    for (Batch& batch : call->batches) {
      batch.words = {};
      kept_.push_back(std::move(batch));
    }
  }
  on_progress();
  pump();
}

void Publisher::on_progress() {
  const sse::Position followed = doors_.followed();
  while (!kept_.empty() && kept_.front().last <= followed) {
    Batch batch = std::move(kept_.front());
    kept_.pop_front();
    batch.done(std::move(batch.receipts));
  }
}

// --- Without an answer --------------------------------------------------------------------------

void Publisher::refuse(Call& call, Errc code, const std::string& why) {
  call.is_given_up = true;
  for (const Batch& batch : call.batches) {
    written_.refused.add();
    batch.done(fail(code, why));
  }
}

/// The master has it, and the tail shows it as it does any other. What the publisher asked for, it
/// has not: a fail-over may lose it.
void Publisher::leave_unconfirmed(Call& call, const std::string& why) {
  counters_.unconfirmed.add(call.batches.size());
  refuse(call, Errc::expired,
         fmt::format("Redis kept this and subscribers get it, but a fail-over may lose it: {}. "
                     "Publishing it again with the same idempotency key waits again",
                     why));
}

/// Nobody knows whether it is kept.
void Publisher::give_up(Call& call, const std::string& why) {
  counters_.unknown.add(call.batches.size());
  refuse(call, Errc::expired, why);
}

void Publisher::look_at_time() {
  if (is_idle()) return clock_.stop();
  expire(wiring_.loop.now());
}

void Publisher::expire(TimePoint now) {
  const auto is_due = [now](const CallPtr& call) { return call->batches.front().due <= now; };
  const std::string away = fmt::format("Redis is away: {}", trouble_);
  for (const CallPtr& call : sent_) {
    if (call->is_given_up || !is_due(call)) continue;
    const bool is_kept = !call->batches.front().receipts.empty();  // By the master.
    is_kept ? leave_unconfirmed(*call, said_by(0)) : give_up(*call, std::string(kUnknown));
  }
  while (!again_.empty() && is_due(again_.front())) {
    const CallPtr call = std::move(again_.front());
    again_.pop_front();
    call->is_unknown ? give_up(*call, std::string(kUnknown)) : refuse(*call, Errc::limit, away);
  }
  while (!queue_.empty() && queue_.front().due <= now) {
    const Batch batch = std::move(queue_.front());
    queue_.pop_front();
    written_.refused.add();
    batch.done(fail(Errc::limit, away));
  }
  while (!kept_.empty() && kept_.front().due <= now) {
    Batch batch = std::move(kept_.front());
    kept_.pop_front();
    batch.done(std::move(batch.receipts));
  }
}

void Publisher::give_up() {
  expire(TimePoint::max());
}

/// Age removes events even where nobody publishes.
void Publisher::tidy() {
  if (!link_.is_up() || sha_.empty()) return;
  link_.call(Words{"EVALSHA", sha_, "1", wiring_.key, "tidy"}.command(),
             [this](const auto& answer) {
               if (answer && link_.believe()) doors_.on_link("");
               if (!answer || answer->size() < 5) return;
               const auto number = [&](std::size_t i) {
                 return static_cast<std::uint64_t>((*answer)[i].integer().value_or(0));
               };
               if ((*answer)[0].text() != epoch_) return doors_.on_other_history();
               written_.events.set((*answer)[1].integer().value_or(0) + 1 -
                                   (*answer)[3].integer().value_or(0));
               doors_.on_figures(sse::Position(number(3)), number(4));
             });
}

}  // namespace sluice::redis
