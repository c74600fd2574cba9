/// BodyRoom: how much of requests' bodies the process holds together while they come: of those that
/// are read to their end before anything is done with them (subscribing by QUERY, publishing).
///
/// Anybody may begin such requests, many at once on one connection. Streams have their windows
/// instead.
/// Owner  server::Shared. Thread  any.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace sluice::server {

class BodyRoom {
 public:
  explicit BodyRoom(std::size_t most) : most_(most) {}
  BodyRoom(const BodyRoom&) = delete;
  BodyRoom& operator=(const BodyRoom&) = delete;

  /// What one request holds, until this is destroyed.
  class Lease {
   public:
    /// `others`: whom it leaves half of the room to. Anybody may subscribe; who publishes has shown
    /// a token, and shall not find the room full of strangers' bodies.
    enum class Others : bool { none, publishers };
    explicit Lease(BodyRoom& room, Others others = Others::none)
        : room_(room), most_(others == Others::none ? room.most_ : room.most_ / 2) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { clear(); }
    /// False: there is no room for so many bytes more.
    bool add(std::size_t bytes) {
      if (room_.used_.fetch_add(bytes, std::memory_order_relaxed) + bytes > most_) {
        room_.used_.fetch_sub(bytes, std::memory_order_relaxed);
        return false;
      }
      bytes_ += bytes;
      return true;
    }
    void clear() { room_.used_.fetch_sub(std::exchange(bytes_, 0), std::memory_order_relaxed); }

   private:
    BodyRoom& room_;
    const std::size_t most_;
    std::size_t bytes_ = 0;
  };

  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace sluice::server
