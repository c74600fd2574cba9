/// The application over HTTP/2: many streams on a connection, in the clear, by prior knowledge.

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include <nghttp2/nghttp2.h>

#include "bench/common/args.h"
#include "bench/load/h2_connection.h"
#include "bench/origin/application.h"
#include "bench/origin/visitor.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kWrite = 65'536;

class H2Dialect final : public Dialect {
 public:
  explicit H2Dialect(Host host) : host_(host) {
    nghttp2_session* session = nullptr;
    if (nghttp2_session_server_new(&session, callbacks(), this) != 0) die("out of memory");
    session_.reset(session);
    const nghttp2_settings_entry settings{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                          host.application.most_streams()};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &settings, 1);
  }

  bool take(std::string_view bytes) override {
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    return nghttp2_session_mem_recv(session_.get(), data, bytes.size()) >= 0;
  }

  bool collect(std::string& out) override {
    while (out.size() < kWrite) {
      const std::uint8_t* bytes = nullptr;
      const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size < 0) return false;
      if (size == 0) break;
      out.append(text_of(bytes, static_cast<std::size_t>(size)));
    }
    return nghttp2_session_want_read(session_.get()) != 0 || !out.empty();
  }

 private:
  class Stream final : public Outlet {
   public:
    Stream(H2Dialect& dialect, std::int32_t id, const Ask& asked)
        : Outlet(asked), dialect_(dialect), id_(id), text_(asked.greets ? ":\n\n" : "") {
      dialect_.host_.application.open(*this);
    }
    ~Stream() override { dialect_.host_.application.close(*this); }

    void push(std::string_view event) override {
      text_.append(event);
      nghttp2_session_resume_data(dialect_.session_.get(), id_);
    }
    [[nodiscard]] std::size_t waiting() const override { return text_.size() - taken_; }
    void mark() override { dialect_.host_.visitor.mark(); }

    /// Moves up to `size` bytes into a DATA frame.
    ssize_t move_to(std::uint8_t* frame, std::size_t size) {
      const auto some = std::min(size, waiting());
      if (some == 0) return NGHTTP2_ERR_DEFERRED;
      std::memcpy(frame, text_.data() + taken_, some);
      tally->bytes += some;
      taken_ += some;
      // What a window holds back is not moved for each frame.
      if (taken_ > text_.size() / 2) text_.erase(0, std::exchange(taken_, 0));
      return static_cast<ssize_t>(some);
    }

   private:
    H2Dialect& dialect_;
    const std::int32_t id_;
    std::string text_;
    std::size_t taken_ = 0;  ///< Of its beginning.
  };

  struct Pending {
    std::string method, path;
  };

  // NOLINTNEXTLINE(readability-function-size): the parameters are nghttp2's
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* self) noexcept {
    auto& pending = static_cast<H2Dialect*>(self)->pending_[frame->hd.stream_id];
    if (text_of(name, name_size) == ":method") pending.method = text_of(value, value_size);
    if (text_of(name, name_size) == ":path") pending.path = text_of(value, value_size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) noexcept {
    const bool is_last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    const bool is_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (is_request && is_last) static_cast<H2Dialect*>(self)->answer(frame->hd.stream_id);
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* self) noexcept {
    static_cast<H2Dialect*>(self)->pending_.erase(id);
    static_cast<H2Dialect*>(self)->streams_.erase(id);
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size)
  static ssize_t on_read(nghttp2_session*, std::int32_t, std::uint8_t* frame, std::size_t size,
                         std::uint32_t*, nghttp2_data_source* source, void*) noexcept {
    return static_cast<Stream*>(source->ptr)->move_to(frame, size);
  }

  static nghttp2_session_callbacks* callbacks() {
    static nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* table = nullptr;
      if (nghttp2_session_callbacks_new(&table) != 0) die("out of memory");
      nghttp2_session_callbacks_set_on_header_callback(table, on_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(table, on_frame);
      nghttp2_session_callbacks_set_on_stream_close_callback(table, on_close);
      return table;
    }();
    return made;
  }

  void answer(std::int32_t id) {
    const auto request = std::exchange(pending_[id], {});
    const auto ask = parse_ask(request.path);
    if (request.method != "GET" || !ask) {
      const auto not_found = field(":status", "404");
      nghttp2_submit_response(session_.get(), id, &not_found, 1, nullptr);
      return;
    }
    if (!std::exchange(has_streamed_, true)) host_.application.note_connection();
    auto& stream = streams_[id];
    stream = std::make_unique<Stream>(*this, id, *ask);
    const std::array<nghttp2_nv, 3> head{field(":status", "200"),
                                         field("content-type", "text/event-stream"),
                                         field("cache-control", "no-cache")};
    nghttp2_data_provider body{{.ptr = stream.get()}, on_read};
    nghttp2_submit_response(session_.get(), id, head.data(), head.size(), &body);
  }

  const Host host_;
  SessionPtr session_;
  bool has_streamed_ = false;
  std::unordered_map<std::int32_t, Pending> pending_;
  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams_;
};

}  // namespace

std::unique_ptr<Dialect> make_h2(Host host) {
  return std::make_unique<H2Dialect>(host);
}

}  // namespace sluice::bench
