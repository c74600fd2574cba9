/// SharedMemory, SessionMemory: nghttp2's allocator, which lends sessions what need not be their
/// own, and keeps what is waiting apart from what comes and goes.
///
/// nghttp2 gives every session a frame buffer of 16 394 bytes, and its HPACK encoder the index of
/// a table, 1 KiB. With some thousand connections that wait these are most of what HTTP/2 costs,
/// and neither has anything in it that lasts:
///
/// - The frame buffer is filled and handed out inside one call of nghttp2_session_mem_send().
///   Afterwards only positions in it are looked at, never the bytes. So all sessions of a worker
///   share one, on conditions that are kept here and by Session: what mem_send() gave is copied
///   before any other session's turn (Use); nghttp2_session_send(), which goes back to earlier
///   bytes, is not used, and a send_data_callback never says WOULDBLOCK, which would leave a
///   frame's header there; a session never changes its thread; and a client's session, which is
///   made with the connection preface in it, is relieved of that before another's turn.
/// - An encoder whose table has no room stores no entry and looks none up. All get the same
///   address, which nobody may read or write: a mistake here ends the process, it cannot mix
///   connections.
///
/// Those two are found by size and order, which is this version's way and not a promise. Hence the
/// self-test, once in a process: do sessions ask for these blocks, and leave them alone when we
/// say? If not, every session has its own again, and is_shared() says so.
///
/// Two kinds of block have slabs, found by size as well; where another version's sizes differ they
/// are malloc's, as all others:
///
/// - What nghttp2 knows of a stream, for as long as that waits.
/// - The item that it queues for a burst. A connection of a hundred streams takes a hundred of them
///   at the begin of its flush; their pages are kept for the next one.
///
/// Owner   SharedMemory: the worker; it outlives its sessions. SessionMemory: its session.
/// Thread  the worker's.
/// Invariant  outside of a Use nobody touches the frame buffer. Under the address sanitizer it is
///            poisoned meanwhile, so every test proves it.
#pragma once

#include <cstddef>
#include <memory>

#include "gateway/base/slab.h"

namespace sluice::h2 {

class SharedMemory {
 public:
  enum class Policy {
    share,  ///< If the self-test allows it.
    own,    ///< Every session has its own.
  };

  explicit SharedMemory(Policy policy = Policy::share);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  [[nodiscard]] bool is_shared() const { return frame_buffer_ != nullptr; }
  /// Of all sessions: our own part of their streams.
  [[nodiscard]] Slab& streams() { return streams_; }
  [[nodiscard]] Slab& client_streams() { return client_streams_; }
  /// Now and then: gives back what bursts have not needed since the last time.
  void tidy() { items_.tidy(); }

  /// Held around nghttp2_session_mem_send() and until what it gave was copied.
  class Use {
   public:
    explicit Use(SharedMemory& memory);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    SharedMemory& memory_;
  };

 private:
  friend class SessionMemory;

  Slab* slab_for(std::size_t size);
  [[nodiscard]] bool is_of_slab(const void* block) const;

  std::unique_ptr<std::byte[]> frame_buffer_;  ///< Null: not shared.
  bool is_in_use_ = false;
  Slab streams_;
  Slab client_streams_;
  Slab native_streams_;
  Slab items_;
};

/// The `mem_user_data` of one session; outlives it.
class SessionMemory {
 public:
  explicit SessionMemory(SharedMemory& shared) : shared_(shared) {}
  SessionMemory(const SessionMemory&) = delete;
  SessionMemory& operator=(const SessionMemory&) = delete;

  // As their namesakes of the C library.
  void* allocate(std::size_t size);
  void* reallocate(void* block, std::size_t size);
  void release(void* block);

 private:
  [[nodiscard]] bool is_lent(const void* block) const;

  SharedMemory& shared_;
  bool has_frame_buffer_ = false;
  bool has_encoder_index_ = false;
};

}  // namespace sluice::h2
