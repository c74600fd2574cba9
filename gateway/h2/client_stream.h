/// ClientStream: one HTTP/2 stream of a client session, the Call that a Caller speaks through.
///
/// nghttp2 asks it for the request's body (read), the session's callbacks give it the answer. The
/// Call is over long before the stream sometimes: after cancel(), or when the answer ended before
/// the request did. The stream then stays, without a caller, until its RST_STREAM has left: the
/// server counts it, and frames that were on their way still come.
///
/// Owner      its ClientSession.
/// Thread     the connection's worker only.
/// Invariant  caller_ is null from the moment the call is over. A stream is never destroyed while
///            nghttp2 is inside a call: it waits in the session's list of the dying.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "gateway/base/protocol.h"
#include "gateway/base/slab.h"
#include "gateway/h2/client_options.h"
#include "gateway/h2/counters.h"
#include "gateway/h2/response_head.h"
#include "gateway/http/client.h"

struct nghttp2_session;

namespace sluice::h2 {

/// The head of an answer while its header block is being received. A connection has one at a time,
/// as with RequestHeading.
struct ResponseHeading {
  std::int32_t stream;
  ResponseHead head{};
};

/// What the streams of a client session share.
struct ClientShared {
  nghttp2_session* native;
  Transport& transport;
  const ClientOptions& options;
  ClientCounters& counters;
  std::size_t open_calls = 0;
  std::unique_ptr<ResponseHeading> heading{};  ///< Null: no header block that counts has begun.
  /// Streams whose answers were complete before their requests were, since settle().
  std::vector<std::int32_t> answered_early{};
  bool has_changed = false;  ///< The owner is to be told, when nghttp2 has returned.
};

class ClientStream final : public http::Call, public InSlab {
 public:
  /// What read() has for nghttp2.
  struct Piece {
    bool is_deferred = false;
    std::size_t bytes = 0;
    bool is_last = false;
  };

  ClientStream(ClientShared& shared, http::Caller& caller, std::uint32_t place);
  /// Sends the request: once, before anything else.
  void submit(const http::Outgoing& request);

  void wake() override;
  void consume(std::size_t n) override;
  void cancel() override;

  // For the session: what the server sent.
  void on_head_begins();
  void on_field(std::string_view name, std::string_view value);
  void on_head_ends();
  void on_body(std::string_view bytes);
  void on_answer_ends();
  void on_reset(std::uint32_t code);
  /// Something in the answer breaks the rules: the call fails, and the stream is reset.
  void on_malformed(std::string_view what);

  // What left.
  Piece read(std::span<std::byte> out);
  void on_head_leaves() { is_sent_ = true; }
  void on_request_sent() { is_request_sent_ = true; }
  /// nghttp2 forgets the stream now. With a call that is still open: it was not sent, the server's
  /// GOAWAY leaves it out, or nghttp2 has found a fault in it.
  void on_closed(std::uint32_t code);

  /// The connection is over: an open call fails.
  void lose(std::string_view what);
  /// It has not left and there is no room for it: it fails, and may be sent elsewhere.
  void refuse(std::string_view what);

  [[nodiscard]] std::int32_t id() const { return id_; }
  [[nodiscard]] bool is_open() const { return caller_ != nullptr; }
  [[nodiscard]] bool is_sent() const { return is_sent_; }
  [[nodiscard]] std::uint32_t place() const { return place_; }
  void set_place(std::uint32_t place) { place_ = place; }

 private:
  /// Ends the call. What it returns is to be told so, as the last.
  http::Caller& detach();
  /// Null: none of this stream's is being received, or none that counts.
  [[nodiscard]] ResponseHead* head();
  void fail(const http::CallFailure& failure);
  void reset(std::uint32_t code);

  ClientShared& shared_;
  http::Caller* caller_;
  std::int32_t id_ = 0;
  std::uint32_t place_;             ///< In ClientSession::streams_.
  std::uint32_t unpaid_ = 0;        ///< Bytes given to the caller and not consumed.
  std::uint32_t consumed_ = 0;      ///< Bytes that nghttp2 has not been told of.
  std::uint8_t informational_ = 0;  ///< Heads of 1xx so far.
  bool is_headed_ : 1 = false;      ///< The final head was given.
  bool is_sent_ : 1 = false;        ///< A part of the request's HEADERS left.
  bool is_request_sent_ : 1 = false;
  bool is_deferred_ : 1 = false;  ///< nghttp2 waits to be resumed.
  bool was_woken_ : 1 = false;    ///< Since the last question to the caller.
};

static_assert(sizeof(ClientStream) <= 48, "thousands of them wait idle");

}  // namespace sluice::h2
