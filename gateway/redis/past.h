/// Past: reads history in Redis, on a connection of its own, for all readers of this instance.
///
/// It is read in chunks, and a chunk that several ask for is read once: a storm of clients that
/// come back to the same past costs Redis what one of them would. At most kFetches are on their
/// way; whoever needs another one waits. A chunk of large events is read in pieces (Pace); when as
/// much is held of it as may be held of all, the next piece takes its place.
///
/// An event that is larger than an answer may be (an instance with a larger answer_bytes took it)
/// is missing for readers, who are told, and is counted as damaged.
///
/// Redis has no index of topics, so every event on the way of a page is read, but a chunk has one:
/// a reader of few topics passes over a chunk for the price of kChunkLooks. What waits for longer
/// than answer_timeout, twice, is Errc::io.
///
/// Owner   RedisJournal. Thread  its thread; evicted(): any.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/journal/counters.h"
#include "gateway/journal/history.h"
#include "gateway/net/timer.h"
#include "gateway/redis/chunks.h"
#include "gateway/redis/counters.h"
#include "gateway/redis/link.h"
#include "gateway/redis/pace.h"

namespace sluice::redis {

class Past final : private Link::Events {
 public:
  using PageDone = journal::History::PageDone;
  using FindDone = journal::History::FindDone;

  struct Setting {
    std::string base;  ///< What the names of the keys begin with.
    std::string epoch;
    sse::Position first;  ///< Of what is held at the start.
    std::size_t cache_bytes;
    const Clock& clock;
    std::function<sse::Position()> followed;  ///< How far the tail is.
    std::function<void(std::string_view trouble)> on_link;
  };
  static constexpr std::size_t kFetches = 4;
  static constexpr std::size_t kChunkLooks = 8;

  Past(const Wiring& wiring, Setting setting, journal::ReaderCounters& read, Counters& counters);
  Past(const Past&) = delete;
  Past& operator=(const Past&) = delete;

  void start() { link_.start(); }
  void read(journal::Query query, PageDone done);
  void find(std::string id, FindDone done);
  /// What stands before it is no longer held.
  void begins_at(sse::Position first);
  [[nodiscard]] sse::Position evicted() const {
    return sse::Position(evicted_.load(std::memory_order_acquire));
  }
  /// Answers what waits with Errc::io.
  void give_up(const std::string& why);

 private:
  /// A page in the making.
  struct Reading {
    journal::Query query;
    PageDone done;
    TimePoint due;
    sse::Position end;
    journal::Page page;
    std::size_t looks = 0;
    std::size_t bytes = 0;
  };
  using ReadingPtr = std::shared_ptr<Reading>;
  /// Of a chunk.
  struct Piece {
    std::uint64_t number;
    ChunkPtr before;  ///< What it is joined to; null: nothing.
    sse::Position first;
    sse::Position through;
    std::size_t count;  ///< At most so many entries of it.
  };
  struct Finding {
    std::string id;
    FindDone done;
    TimePoint due;
  };

  void on_up() override;
  void on_down(std::string_view why) override;
  void go_on(const ReadingPtr& reading);
  /// False: the page ends in this chunk, which is read up to `last`.
  bool pass(Reading& reading, const Chunk& chunk, sse::Position last);
  /// False: the page is full before this event.
  bool look_at(Reading& reading, sse::Position position, const Chunk::Slot& slot);
  void want(std::uint64_t number, const ReadingPtr& reading);
  void fetch_more();
  Piece next_piece(std::uint64_t number);
  void fetch(std::uint64_t number);
  void on_fetched(const Piece& piece, const Result<Reply>& answer);
  ChunkPtr make_chunk(const Piece& piece, const ReplyView& entries);
  ChunkPtr make_hole(const Piece& piece);
  void put(std::uint64_t number, ChunkPtr chunk);
  void finish(Reading& reading);
  void ask(Finding finding);
  void ask_place(Finding finding, sse::Position position);
  void ask_id(Finding finding);
  [[nodiscard]] bool is_heard(const Result<Reply>& answer);
  [[nodiscard]] std::optional<sse::Position> earliest_of(std::string_view places) const;
  void look_at_time();

  // Set in the constructor.
  const Wiring& wiring_;
  const Setting setting_;
  journal::ReaderCounters& read_;
  Counters& counters_;

  Chunks chunks_;
  Pace pace_;
  std::map<std::uint64_t, std::vector<ReadingPtr>> wanted_;  ///< By chunk: who waits for it.
  std::deque<std::uint64_t> queue_;                          ///< Of those the ones not asked for.
  std::size_t fetching_ = 0;
  std::deque<Finding> findings_;  ///< Until the link is up.
  std::atomic<std::uint64_t> evicted_;
  Link link_;
  net::Timer clock_;
};

}  // namespace sluice::redis
