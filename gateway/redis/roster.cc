#include "gateway/redis/roster.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "gateway/redis/script.h"
#include "gateway/sse/event_id.h"

namespace sluice::redis {
namespace {

constexpr Millis kBeat{1'000};
constexpr Millis kWriteAgain{10'000};        // All entries, when some could not be written.
constexpr std::size_t kEntries = 256;        // In one command.
constexpr std::size_t kRevocations = 1'000;  // In one beat; roster.lua.

std::int64_t millis_of(WallTime time) {
  return std::chrono::duration_cast<Millis>(time.time_since_epoch()).count();
}

}  // namespace

Roster::Roster(const Wiring& wiring, Setting setting, Counters& counters)
    : wiring_(wiring),
      setting_(std::move(setting)),
      name_(sse::make_epoch()),
      entries_(fmt::format("{}:present:{}", setting_.base, name_)),
      counters_(counters),
      link_(wiring, "sluice-roster", *this),
      pulse_(wiring.loop, [this] { beat(); }) {}

void Roster::serve(Duties duties) {
  wiring_.post([this, duties = std::move(duties)] {
    duties_ = duties;
    pulse_.start_periodic(kBeat);
    if (link_.is_up() && !sha_.empty()) appear();
  });
}

void Roster::appear() {
  write_all();
  beat();
}

void Roster::leave() {
  if (!link_.is_up() || sha_.empty()) return;
  link_.call(Words{"EVALSHA", sha_, "1", wiring_.key, "leave", name_}.command(),
             [](const auto&) {});
}

void Roster::on_up() {
  trouble_ = "it does not answer";
  if (!link_.is_doubted()) setting_.on_link("");
  load();
}

void Roster::on_down(std::string_view why) {
  trouble_ = why;
  sha_.clear();
  is_beating_ = false;
  is_telling_ = false;
  setting_.on_link(why);
}

void Roster::load() {
  sha_.clear();
  link_.call(Words{"SCRIPT", "LOAD", kRosterScript}.command(), [this](const auto& answer) {
    if (!answer) return;
    if (answer->is_error()) return link_.cut(answer->text());
    sha_ = answer->text();
    if (pulse_.is_running()) appear();
    tell_lost();
    tell_revocations();
  });
}

// --- The beat -----------------------------------------------------------------------------------

void Roster::beat() {
  if (!link_.is_up() || sha_.empty() || is_beating_ || !pulse_.is_running()) return;
  if (is_behind_ && wiring_.loop.now() >= write_again_) write_all();
  tell_revocations();
  is_beating_ = true;
  link_.call(Words{"EVALSHA", sha_, "1", wiring_.key, "beat", name_,
                   std::to_string(setting_.timeout.count()), revoked_until_}
                 .command(),
             [this](const auto& answer) {
               is_beating_ = false;
               on_beat(answer);
             });
}

void Roster::on_beat(const Result<Reply>& answer) {
  if (!answer) return;
  if (link_.believe()) setting_.on_link("");
  if (answer->is_error()) return on_refusal(answer->text());
  if (answer->size() != 4) return link_.cut("its answer is not one of our script's");
  const bool was_lost = (*answer)[0].integer() == 0 && was_here_;
  was_here_ = true;
  counters_.instances.set((*answer)[1].integer().value_or(0));
  if (was_lost) {
    write_all();
    tell_again();
    revoked_until_ = "0";
    if (duties_.on_return) duties_.on_return();
  }
  take_orphans((*answer)[2]);
  take_revocations((*answer)[3]);
  const bool is_more = (*answer)[2].size() > 0 || (*answer)[3].size() >= 2 * kRevocations;
  if (is_more) beat();
}

/// What passes is left to the next beat.
void Roster::on_refusal(std::string_view text) {
  if (text.starts_with("NOSCRIPT")) return load();
  if (!text.starts_with("OOM") && !text.starts_with("MISCONF") && !text.starts_with("NOREPLICAS")) {
    link_.cut(text);
  }
}

void Roster::take_orphans(ReplyView entries) {
  Entries orphans;
  for (std::size_t i = 0; i + 1 < entries.size(); i += 2) {
    orphans.emplace_back(entries[i].text(), entries[i + 1].text());
  }
  counters_.orphans.add(orphans.size());
  if (!orphans.empty() && duties_.on_orphans) duties_.on_orphans(std::move(orphans));
}

void Roster::take_revocations(ReplyView revocations) {
  for (std::size_t i = 0; i + 1 < revocations.size(); i += 2) {
    const std::string text(revocations[i].text());
    const std::size_t space = text.find(' ');
    revoked_until_ = revocations[i + 1].text();
    const auto at = std::strtoll(text.c_str(), nullptr, 10);
    if (space == std::string::npos || at <= 0 || !duties_.on_revoked) continue;
    duties_.on_revoked(text.substr(space + 1), WallTime(Millis(at)));
  }
}

// --- Entries ------------------------------------------------------------------------------------

void Roster::write_all() {
  is_behind_ = false;
  write_again_ = wiring_.loop.now() + kWriteAgain;
  const auto written = [this](const Result<Reply>& answer) {
    if (answer && answer->is_error()) is_behind_ = true;
  };
  link_.call(Words{"EVALSHA", sha_, "1", wiring_.key, "clear", name_}.command(), written);
  const Entries own = duties_.own ? duties_.own() : Entries();
  for (std::size_t first = 0; first < own.size(); first += kEntries) {
    Words words{"HSET", entries_};
    for (std::size_t i = first; i < std::min(first + kEntries, own.size()); ++i) {
      words.add(own[i].first);
      words.add(own[i].second);
    }
    link_.call(words.command(), written);
  }
}

void Roster::put(std::string name, std::string value, Done done) {
  wiring_.post([this, name = std::move(name), value = std::move(value), done = std::move(done)] {
    change(Words{"HSET", entries_, name, value}, done);
  });
}

void Roster::remove(std::string name, Done done) {
  wiring_.post([this, name = std::move(name), done = std::move(done)] {
    change(Words{"HDEL", entries_, name}, done);
  });
}

/// A link that comes up writes all entries, whatever was missed.
void Roster::change(const Words& words, const Done& done) {
  const bool is_crowded = link_.unanswered() >= kMostCalls;
  if (is_crowded) is_behind_ = true;
  if (!link_.is_up() || sha_.empty() || is_crowded) {
    counters_.unlisted.add();
    return done(is_crowded ? fail(Errc::limit, "too much is asked of Redis at once") : away());
  }
  link_.call(words.command(), [this, done](const Result<Reply>& answer) {
    if (answer && !answer->is_error()) return done({});
    is_behind_ = true;
    counters_.unlisted.add();
    done(fail(Errc::io, answer ? std::string(answer->text()) : answer.error().what));
  });
}

// --- Revocations --------------------------------------------------------------------------------

void Roster::revoke(std::string subject, WallTime at) {
  ++untold_;
  wiring_.post([this, subject = std::move(subject), at] {
    keep(subject, at);
    tell_revocations();
  });
}

void Roster::keep(std::string subject, WallTime at) {
  revocations_.emplace_back(std::move(subject), at);
  if (revocations_.size() > setting_.revocations) {
    revocations_.erase(revocations_.begin() + (is_telling_ ? 1 : 0));
  }
  count_untold();
}

void Roster::count_untold() {
  untold_ = revocations_.size();
  counters_.untold.set(static_cast<std::int64_t>(revocations_.size()));
}

/// Behind a new link may stand a replica that has not all of them.
void Roster::tell_lost() {
  if (!duties_.revoked) return;
  const auto all = duties_.revoked();
  for (std::size_t first = 0; first < all.size(); first += kEntries) {
    const std::size_t end = std::min(first + kEntries, all.size());
    const std::vector some(all.begin() + static_cast<std::ptrdiff_t>(first),
                           all.begin() + static_cast<std::ptrdiff_t>(end));
    Words words{"EVALSHA", sha_, "1", wiring_.key, "lacks"};
    for (const auto& [subject, at] : some) {
      words.add(fmt::format("{} {}", millis_of(at), subject));
    }
    link_.call(words.command(), [this, some](const Result<Reply>& answer) {
      if (!answer || answer->size() != some.size()) return;
      for (std::size_t i = 0; i < some.size(); ++i) {
        if ((*answer)[i].integer() == 1) keep(some[i].first, some[i].second);
      }
      tell_revocations();
    });
  }
}

void Roster::tell_again() {
  if (!duties_.revoked) return;
  for (auto& [subject, at] : duties_.revoked()) keep(std::move(subject), at);
  tell_revocations();
}

void Roster::tell_revocations() {
  if (revocations_.empty() || is_telling_ || !link_.is_up() || sha_.empty()) return;
  is_telling_ = true;
  const auto& [subject, at] = revocations_.front();
  link_.call(
      Words{"EVALSHA", sha_, "1", wiring_.key, "revoke", std::to_string(millis_of(at)), subject,
            std::to_string(setting_.revocations), std::to_string(setting_.remember.count())}
          .command(),
      [this](const auto& answer) {
        is_telling_ = false;
        if (!answer) return;
        if (answer->is_error()) return on_refusal(answer->text());
        revocations_.pop_front();
        count_untold();
        tell_revocations();
        beat();
      });
}

// --- Lists --------------------------------------------------------------------------------------

tl::unexpected<Error> Roster::away() const {
  return fail(Errc::io, fmt::format("Redis is away: {}", trouble_));
}

void Roster::read(ReadDone done) {
  wiring_.post([this, done = std::move(done)] {
    if (!link_.is_up()) return done(away());
    if (readers_.size() >= kMostReaders) return done(fail(Errc::limit, "too many ask for a list"));
    readers_.push_back(done);
    if (!is_reading_) begin_reading();
  });
}

/// For all who wait: what they ask for is at least as new as their question.
void Roster::begin_reading() {
  is_reading_ = true;
  const auto reading = std::make_shared<Reading>(Reading{.readers = std::exchange(readers_, {})});
  link_.call(Words{"ZRANGE", setting_.base + ":instances", "0", "-1"}.command(),
             [this, reading](const Result<Reply>& answer) {
               if (!answer || answer->is_error()) return finish(reading, away());
               for (std::size_t i = 0; i < answer->size(); ++i) {
                 reading->instances.emplace_back((*answer)[i].text());
               }
               read_piece(reading, "0");
             });
}

void Roster::read_piece(const ReadingPtr& reading, std::string_view cursor) {
  if (reading->instances.empty()) return finish(reading, {});
  const std::string key = fmt::format("{}:present:{}", setting_.base, reading->instances.back());
  link_.call(Words{"HSCAN", key, cursor, "COUNT", std::to_string(kEntries)}.command(),
             [this, reading](const Result<Reply>& answer) { on_piece(reading, answer); });
}

void Roster::on_piece(const ReadingPtr& reading, const Result<Reply>& answer) {
  if (!answer || answer->size() != 2) return finish(reading, away());
  const ReplyView entries = (*answer)[1];
  for (std::size_t i = 0; i + 1 < entries.size(); i += 2) {
    reading->bytes += entries[i].text().size() + entries[i + 1].text().size();
    reading->found.insert_or_assign(std::string(entries[i].text()),
                                    std::string(entries[i + 1].text()));
  }
  if (reading->bytes > setting_.bytes) {
    return finish(reading, fail(Errc::limit, "the list is larger than history.roster_bytes"));
  }
  const std::string cursor((*answer)[0].text());
  if (cursor == "0") reading->instances.pop_back();
  read_piece(reading, cursor);
}

void Roster::finish(const ReadingPtr& reading, const Result<void>& outcome) {
  is_reading_ = false;
  const Entries entries(reading->found.begin(), reading->found.end());
  for (const ReadDone& done : reading->readers) {
    done(outcome ? Result<Entries>(entries) : tl::unexpected(outcome.error()));
  }
  if (readers_.empty()) return;
  if (link_.is_up()) return begin_reading();
  for (const ReadDone& done : std::exchange(readers_, {})) done(away());
}

}  // namespace sluice::redis
