/// Roster: what instances tell each other, by way of Redis, on a connection of its own.
///
///   up, and serve() was called: all own entries are written ─► a beat every second ─► lost: again
///
/// A beat says that this instance is here, and brings what others revoked and what those left who
/// were not heard of for Setting::timeout; roster.lua does it in one step. An instance that was
/// taken for gone writes its entries again and says so (Duties::on_return), and tells again whose
/// tokens are revoked: so it does when the history is found to be another one (tell_again()), and
/// behind each new link with those that Redis lacks (tell_lost()).
///
/// Owner   RedisJournal. Thread  start(), leave(): its thread; journal::Roster: any.
/// Limits  kMostCalls changes without an answer, kMostReaders that wait for a list, Setting::bytes
///         of a list: past them Errc::limit. Setting::revocations that wait for Redis; the oldest
///         go.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/journal/roster.h"
#include "gateway/net/timer.h"
#include "gateway/redis/counters.h"
#include "gateway/redis/link.h"

namespace sluice::redis {

class Roster final : public journal::Roster, private Link::Events {
 public:
  static constexpr std::size_t kMostCalls = 16'384;
  static constexpr std::size_t kMostReaders = 1'000;

  struct Setting {
    std::string base;  ///< What the names of the keys begin with.
    Millis timeout;    ///< An instance not heard of for so long is gone.
    std::size_t bytes;
    std::size_t revocations;
    Millis remember;
    std::function<void(std::string_view trouble)> on_link;  ///< "": it is up.
  };

  Roster(const Wiring& wiring, Setting setting, Counters& counters);

  /// What is still here falls to another instance at once.
  void leave();

  void start() { link_.start(); }
  void serve(Duties duties) override;
  void put(std::string name, std::string value, Done done) override;
  void remove(std::string name, Done done) override;
  void read(ReadDone done) override;
  void revoke(std::string subject, WallTime at) override;
  [[nodiscard]] std::size_t untold() const override { return untold_.load(); }
  /// What is known of revocations, when Redis may have lost it.
  void tell_again();

 private:
  /// A list in the making.
  struct Reading {
    std::vector<ReadDone> readers;
    std::vector<std::string> instances = {};
    std::map<std::string, std::string> found = {};  ///< HSCAN may give one twice.
    std::size_t bytes = 0;
  };
  using ReadingPtr = std::shared_ptr<Reading>;

  void on_up() override;
  void on_down(std::string_view why) override;
  void load();
  void appear();
  void beat();
  void on_beat(const Result<Reply>& answer);
  void on_refusal(std::string_view text);
  void take_orphans(ReplyView entries);
  void take_revocations(ReplyView revocations);
  void write_all();
  void change(const Words& words, const Done& done);
  void keep(std::string subject, WallTime at);
  void count_untold();
  void tell_lost();
  void tell_revocations();
  void begin_reading();
  void read_piece(const ReadingPtr& reading, std::string_view cursor);
  void on_piece(const ReadingPtr& reading, const Result<Reply>& answer);
  void finish(const ReadingPtr& reading, const Result<void>& outcome);
  [[nodiscard]] tl::unexpected<Error> away() const;

  // Set in the constructor.
  const Wiring& wiring_;
  const Setting setting_;
  const std::string name_;     ///< Names this process among all instances.
  const std::string entries_;  ///< The key of its entries.
  Counters& counters_;
  // Its thread only.
  Duties duties_;
  std::string sha_;  ///< Of the script; empty: it is not loaded on this link.
  std::string trouble_ = "it was not reached yet";
  std::string revoked_until_ = "0";  ///< The place of the newest revocation that was seen.
  bool was_here_ = false;            ///< It has beaten before.
  bool is_beating_ = false;
  bool is_behind_ = false;  ///< Some entry could not be written.
  TimePoint write_again_{};
  std::deque<std::pair<std::string, WallTime>> revocations_;  ///< That Redis does not have.
  std::atomic<std::size_t> untold_{0};                        ///< How many; any thread.
  bool is_telling_ = false;                                   ///< The first of them is under way.
  std::vector<ReadDone> readers_;  ///< They wait until the list that is being read is done.
  bool is_reading_ = false;
  Link link_;
  net::Timer pulse_;
};

}  // namespace sluice::redis
