#include "bench/publish/h2_poster.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include <nghttp2/nghttp2.h>

#include "bench/common/args.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kRead = 65'536;

/// One for all posters: a read is over when its turn is.
std::span<char> read_buffer() {
  static std::vector<char> buffer(kRead);
  return buffer;
}

}  // namespace

struct H2Poster::Callbacks {
  static Slot* slot_of(nghttp2_session* session, std::int32_t stream) {
    return static_cast<Slot*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  // NOLINTNEXTLINE(readability-function-size): the parameters are nghttp2's
  static ssize_t on_fill(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t room,
                         std::uint32_t* flags, nghttp2_data_source* source, void*) noexcept {
    Slot& slot = *static_cast<Slot*>(source->ptr);
    if (slot.sent == slot.body.size() && slot.fill != Fill::end) {
      slot.body.clear();
      slot.sent = 0;
      slot.fill = slot.poster->client_.fill(slot.number, slot.body);
    }
    const auto size = std::min(room, slot.body.size() - slot.sent);
    std::copy_n(slot.body.data() + slot.sent, size, out);
    slot.sent += size;
    const bool is_all = slot.sent == slot.body.size();
    if (is_all && slot.fill == Fill::end) *flags |= NGHTTP2_DATA_FLAG_EOF;
    slot.is_deferred = size == 0 && slot.fill == Fill::later;
    return slot.is_deferred ? ssize_t{NGHTTP2_ERR_DEFERRED} : static_cast<ssize_t>(size);
  }

  // NOLINTNEXTLINE(readability-function-size)
  static int on_header(nghttp2_session* session, const nghttp2_frame* frame,
                       const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                       std::size_t value_size, std::uint8_t, void*) noexcept {
    Slot* slot = slot_of(session, frame->hd.stream_id);
    const auto text = text_of(value, value_size);
    if (slot != nullptr && text_of(name, name_size) == ":status") {
      std::from_chars(text.data(), text.data() + text.size(), slot->status);
    }
    return 0;
  }

  // NOLINTNEXTLINE(readability-function-size)
  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream,
                     const std::uint8_t* bytes, std::size_t size, void* self) noexcept {
    const Slot* slot = slot_of(session, stream);
    if (slot != nullptr) {
      static_cast<H2Poster*>(self)->client_.on_text(slot->number, text_of(bytes, size));
    }
    return 0;
  }

  static int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t code,
                      void* self) noexcept {
    Slot* slot = slot_of(session, stream);
    if (slot == nullptr) return 0;
    slot->is_busy = slot->is_deferred = false;
    static_cast<H2Poster*>(self)->client_.on_end(slot->number,
                                                 code == NGHTTP2_NO_ERROR ? slot->status : 0);
    return 0;
  }

  static nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* callbacks = nullptr;
      if (nghttp2_session_callbacks_new(&callbacks) != 0) die("out of memory");
      nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
      nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
      return callbacks;
    }();
    return made;
  }
};

H2Poster::H2Poster(const Poller& poller, ssl_ctx_st* tls, const Target& target, Client& client,
                   std::size_t slots)
    : H2Connection(poller, target.url, tls, read_buffer()),
      target_(target),
      client_(client),
      slots_(slots) {
  for (std::size_t i = 0; i < slots; ++i) {
    slots_[i].poster = this;
    slots_[i].number = i;
  }
}

void H2Poster::on_open() {
  make_session(Callbacks::table(), this);
  const nghttp2_settings_entry no_push{NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, &no_push, 1);
}

void H2Poster::on_fail(bool) {
  client_.on_lost();
}

void H2Poster::post(std::size_t number) {
  Slot& slot = slots_[number];
  slot.body.clear();
  slot.sent = 0;
  slot.status = 0;
  slot.fill = Fill::more;
  const auto authority = target_.url.authority();
  const auto bearer = "Bearer " + target_.token;
  const std::array<nghttp2_nv, 6> fields{field(":method", "POST"),
                                         field(":scheme", target_.url.tls ? "https" : "http"),
                                         field(":authority", authority),
                                         field(":path", target_.url.path),
                                         field("content-type", target_.content_type),
                                         field("authorization", bearer)};
  nghttp2_data_provider body{};
  body.source.ptr = &slot;
  body.read_callback = Callbacks::on_fill;
  slot.stream =
      nghttp2_submit_request(session(), nullptr, fields.data(), fields.size(), &body, &slot);
  if (slot.stream < 0) die("nghttp2 refuses a request");
  slot.is_busy = true;
}

void H2Poster::proceed() {
  if (!is_open()) return;
  for (Slot& slot : slots_) {
    if (!slot.is_deferred) continue;
    slot.is_deferred = false;
    nghttp2_session_resume_data(session(), slot.stream);
  }
  flush();
}

}  // namespace sluice::bench
