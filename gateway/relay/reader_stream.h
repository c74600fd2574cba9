/// ReaderStream: the answer to a request that a shared or replayed stream serves.
///
/// It waits for the stream's head, or answers early; then it gives a Reader's events, with lines of
/// its own between them: a first comment, which leaves with the head; heartbeats in silence; a last
/// `retry` when it is ended. None of them ever stands inside an event.
///
///   waiting ─► early ─► open ─► ending          as Passage, but for what a Log says
///     │      └─► late ─► ending                the answer is none after all, and is told of
///     ├─► plain: the one whose request was sent upstream gets that answer, which is no stream
///     └─► handed over: anybody else then asks by himself
///
/// Owner   its session, as every http::Answer. Thread  its worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "gateway/base/slab.h"
#include "gateway/base/timer_wheel.h"
#include "gateway/http/exchange.h"
#include "gateway/relay/byte_queue.h"
#include "gateway/relay/heartbeat.h"
#include "gateway/relay/parting.h"
#include "gateway/relay/route_context.h"
#include "gateway/relay/source.h"
#include "gateway/relay/stream.h"
#include "gateway/relay/tenure.h"
#include "gateway/relay/upload.h"
#include "gateway/relay/view.h"

namespace sluice::relay {

class ReaderStream final : public Stream,
                           public InSlab,
                           private ReaderOwner,
                           private Asker,
                           private Deadline {
 public:
  using OpenPlainly = std::function<std::unique_ptr<http::Answer>(
      RouteContext&, const http::Request&, http::Exchange&, Terms)>;
  struct Setting {
    RouteContext& route;
    const OpenPlainly& open_plainly;
    /// A view has lost a reader.
    const std::function<void()>& sweep;
  };

  ReaderStream(Setting setting, http::Exchange& exchange, const http::Request& request,
               Terms terms);
  ~ReaderStream() override;

  [[nodiscard]] Asker* asker() { return this; }
  /// Once, before read(): it is this one's request that was sent.
  void own(Source& source) { source_ = &source; }
  /// Once: from where it reads.
  void read(View& view, Place place);

  // http::Answer
  void on_body(std::string_view bytes) override;
  void on_body_end() override;
  Ready ready(std::size_t max) override;
  void take(std::span<std::byte> out) override;
  [[nodiscard]] bool ends_with_client() const override { return true; }
  void end_in_order() override;
  [[nodiscard]] http::Progress progress() const override;
  // Stream
  void end(Millis retry, http::Ending why) override;
  void cut(Millis retry, http::Ending why) override;
  [[nodiscard]] std::string_view subject() const override { return tenure_.subject(); }
  [[nodiscard]] Facts facts() const override;

 private:
  /// How it came to its log. Until the head.
  struct Joining {
    http::Request request;
    bool is_joined = false;  ///< The stream was there before him.
    bool is_late = false;    ///< … and has been read in part.
  };
  enum class State : std::uint8_t {
    waiting,  ///< Nothing was said to the client.
    early,    ///< The head of a stream was, and the upstream has not answered.
    late,     ///< The same, and its answer, which is no stream, is gathered for the error.
    open,
    plain,   ///< The upstream's answer, which is no stream, as it comes.
    ending,  ///< The body ends behind `text_`, or somebody else answers.
    broken,  ///< It will be broken off.
  };

  // ReaderOwner
  void on_news() override;
  void on_superseded() override;
  void on_too_slow() override;
  // Asker
  void on_plain_answer(http::Response head, std::optional<std::uint64_t> length) override;
  void on_plain_bytes(std::string_view bytes) override;
  void on_plain_end() override;
  void on_plain_broken() override;
  void on_source_gone() override { source_ = nullptr; }
  http::Answer::Ready body_ready(std::size_t max) override { return upload_.ready(max); }
  void give_body(std::span<std::byte> out) override;
  // Deadline
  void on_deadline(TimePoint now) override;

  void open_stream();
  /// False: there is no room for an event stream, and somebody else answers.
  bool admit();
  void begin_stream();
  void answer_early();
  void give_place();
  void hand_over();
  /// The head was said.
  void settle();
  void tell_upstream_failed(const Parting& parting);
  /// An answer of ours where nothing was said yet.
  void refuse(const Parting& parting);
  /// Tells the client what became of a stream that was begun.
  void fail(const Parting& parting);
  void break_off();
  void finish();
  /// As much of an answer that came too late as is there: nobody waits for an end of it.
  void tell_late();
  void put(std::string_view bytes) { text_.add(bytes, route_.memory.pieces); }
  void leave_log();
  void let_source_go();
  void arm(TimePoint now);
  /// Answered before the upstream was.
  [[nodiscard]] bool is_begun() const { return state_ == State::early || state_ == State::late; }
  [[nodiscard]] bool is_streaming() const { return is_begun() || state_ == State::open; }
  [[nodiscard]] bool may_answer_early() const;
  [[nodiscard]] Ready ready_events(std::size_t max);
  [[nodiscard]] std::size_t rest_of_event() const {
    return reader_ == nullptr ? 0 : reader_->rest_of_event();
  }
  std::span<std::byte> take_text(std::span<std::byte> out);

  // Set in the constructor.
  RouteContext& route_;
  const OpenPlainly& open_plainly_;
  const std::function<void()>& sweep_;
  http::Exchange& exchange_;

  Tenure tenure_;
  Upload upload_;
  std::unique_ptr<Joining> joining_;
  std::unique_ptr<Reader> reader_;
  ByteQueue text_;  ///< Of ours, for the next boundary of events; or a whole other answer.
  Source* source_ = nullptr;    ///< Of this one's own request, while it is there.
  TimePoint begun_;             ///< Until the head; then the last byte to the client.
  std::uint64_t sent_ = 0;      ///< To the client.
  const std::uint32_t opened_;  ///< In seconds of the clock.
  std::uint32_t unpaid_ = 0;    ///< Of `text_`, the upstream's; what it may send is far less.
  Pulse pulse_;
  State state_ = State::waiting;
  bool is_get_ = false;
  bool is_event_stream_ = false;
  bool is_asked_ = false;   ///< The request is complete.
  bool has_ended_ = false;  ///< The plain answer is complete.
  bool has_given_end_ = false;
};
static_assert(sizeof(ReaderStream) <= 200, "each reader of a shared stream has one");

}  // namespace sluice::relay
