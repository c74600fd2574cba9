/// ClientSession: the client's side of HTTP/1.1 on one connection, one call at a time (RFC 9112).
///
///   idle ─► call() ─► request out beside answer in: head ─► body ─► end ─► idle … or finished
///
/// After anything but a request that was sent whole and an answer that was framed whole, the
/// connection ends: what comes next on it could be taken for the answer to another request. Bytes
/// that no request has asked for end it too. A request that its server answers before it is
/// complete is left where it is.
/// Most connections carry one event stream that is silent. What only the beginning of a call needs
/// (the request's text, the answer's head) lies in `Opening`, and goes when it is over.
///
/// Owner      the connection (a Transport), which outlives it, as ClientOwner and Setting do.
/// Thread     the connection's worker only.
/// Errors     http::CallError. `refused` and `reset` do not happen here. A call is untouched only
///            when not one byte of its request had left.
/// Invariant  after any failure the connection is finished.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/slab.h"
#include "gateway/h1/chunked.h"
#include "gateway/h1/options.h"
#include "gateway/http/client.h"

namespace sluice::h1 {

struct AnswerHead;

class ClientSession final : public http::Client, public InSlab, private http::Call {
 public:
  /// What all sessions with one server have in common.
  struct Setting {
    ClientOptions options;
    const Clock& clock;
    ClientCounters counters{};
    Slab openings{opening_size()};
  };

  ClientSession(Transport& transport, http::ClientOwner& owner, Setting& setting);
  ~ClientSession() override;
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  // Protocol
  void feed(std::span<const std::byte> bytes) override;
  void on_eof() override;
  bool fill(OutBuffer& out) override;
  [[nodiscard]] bool wants_read() const override;
  [[nodiscard]] bool is_finished() const override { return is_closing_; }
  TimePoint check(TimePoint now) override;
  void drain_notice() override { retire(); }
  void drain_finish() override { retire(); }

  // http::Client
  http::Call& call(http::Outgoing request, http::Caller& caller) override;
  [[nodiscard]] bool can_call() const override { return caller_ == nullptr && !is_spent(); }
  [[nodiscard]] bool is_spent() const override { return is_closing_ || takes_no_more_; }
  [[nodiscard]] std::size_t call_limit() const override { return 1; }
  [[nodiscard]] std::size_t open_calls() const override { return caller_ == nullptr ? 0 : 1; }
  [[nodiscard]] std::uint64_t calls_made() const override { return calls_made_; }
  void retire() override;

 private:
  [[nodiscard]] static std::size_t opening_size();

  /// What is read next of the answer.
  enum class Reading : std::uint8_t { head, length, chunked, until_close };
  /// What is sent next of the request. `tail`: its length is reached, and its end not yet told.
  enum class Sending : std::uint8_t { head, length, chunked, tail, done };
  /// What became of an attempt to send more of it.
  enum class Sent : std::uint8_t { some, waits, full };
  struct Opening;

  // http::Call
  void wake() override;
  void consume(std::size_t n) override;
  void cancel() override;

  // The answer. `input` is what is left of the bytes that came.
  void read(std::string_view input);
  void read_head(std::string_view& input);
  void begin_answer(AnswerHead& head, std::string_view input);
  void read_chunks(std::string_view& input);
  void read_plain(std::string_view& input);
  void give(std::string_view bytes);

  // The request.
  bool send(OutBuffer& out);
  Sent send_head(OutBuffer& out);
  Sent send_length(OutBuffer& out);
  Sent send_chunk(OutBuffer& out);
  Sent look_behind();

  // Ends.
  void end_answer(std::string_view input, bool until_close);
  void end_at_stray();
  void fail(http::CallError error, std::string_view what);
  http::Caller& let_go();
  void close();
  void settle();

  // Set in the constructor.
  Transport& transport_;
  http::ClientOwner& owner_;
  Setting& setting_;

  http::Caller* caller_ = nullptr;    ///< None: no call is open.
  std::unique_ptr<Opening> opening_;  ///< Until the request is sent and the answer's head is read.
  ChunkedDecoder chunks_;
  std::uint64_t rest_ = 0;  ///< Of an answer with content-length.
  TimePoint since_;         ///< When the last call ended.
  std::uint32_t unpaid_ = 0;
  std::uint32_t calls_made_ = 0;
  Reading reading_ = Reading::head;
  Sending sending_ = Sending::done;
  bool has_sent_ = false;       ///< A byte of the open call's request.
  bool takes_no_more_ = false;  ///< After the open call it is over.
  bool is_closing_ = false;     ///< Nothing is read or sent any more.
  bool has_changed_ = false;    ///< The owner is to be told.
};
static_assert(sizeof(ClientSession) <= 104, "each relayed stream has one");

}  // namespace sluice::h1
