#include "gateway/h2/memory_self_test.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "gateway/h2/handles.h"

namespace sluice::h2 {
namespace {

using namespace std::string_view_literals;

/// What a session asks for, and whether it touches what it should not.
class Watch {
 public:
  Watch(std::size_t frame_buffer, std::size_t index)
      : frame_buffer_(frame_buffer),
        index_(index),
        mem_{this, &allocate, &release, &zeroed, &reallocate} {}

  [[nodiscard]] nghttp2_mem* mem() { return &mem_; }
  /// One frame buffer; two indexes, of which the encoder's comes first.
  [[nodiscard]] bool is_as_expected() const {
    return frame_buffers_.size() == 1 && indexes_.size() == 2;
  }
  void mark() {
    fill(frame_buffers_.front(), frame_buffer_);
    fill(indexes_.front(), index_);
  }
  [[nodiscard]] bool has_left_frame_buffer() const {
    return is_filled(frame_buffers_.front(), frame_buffer_);
  }
  [[nodiscard]] bool has_left_encoder_index() const { return is_filled(indexes_.front(), index_); }

 private:
  static constexpr int kMark = 0xa5;

  static void fill(void* block, std::size_t size) { std::memset(block, kMark, size); }
  static bool is_filled(const void* block, std::size_t size) {
    const std::span bytes(static_cast<const unsigned char*>(block), size);
    return std::all_of(bytes.begin(), bytes.end(), [](unsigned char c) { return c == kMark; });
  }
  static void* allocate(std::size_t size, void* self) noexcept {
    void* block = std::malloc(size);
    auto& watch = *static_cast<Watch*>(self);
    if (size == watch.frame_buffer_) watch.frame_buffers_.push_back(block);
    if (size == watch.index_) watch.indexes_.push_back(block);
    return block;
  }
  static void release(void* block, void*) noexcept { std::free(block); }
  static void* zeroed(std::size_t count, std::size_t size, void*) noexcept {
    return std::calloc(count, size);
  }
  static void* reallocate(void* block, std::size_t size, void* self) noexcept {
    return block == nullptr ? allocate(size, self) : std::realloc(block, size);
  }

  const std::size_t frame_buffer_;
  const std::size_t index_;
  nghttp2_mem mem_;
  std::vector<void*> frame_buffers_;
  std::vector<void*> indexes_;
};

bool receive(nghttp2_session* session, std::string_view bytes) {
  return nghttp2_session_mem_recv(session, as_octets(bytes.data()), bytes.size()) ==
         static_cast<ssize_t>(bytes.size());
}

bool send_all(nghttp2_session* session) {
  for (;;) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session, &data);
    if (size <= 0) return size == 0;
  }
}

/// A pseudo-field, and one that an encoder's table would take. nghttp2 copies them; its interface
/// only forgot the const.
std::array<nghttp2_nv, 2> head_with(std::string_view name, std::string_view value) {
  const auto field = [value](std::string_view of) {
    return nghttp2_nv{const_cast<std::uint8_t*>(as_octets(of.data())),
                      const_cast<std::uint8_t*>(as_octets(value.data())), of.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE};
  };
  return {field(name), field("x-own"sv)};
}

bool answer(nghttp2_session* session, std::int32_t stream) {
  const auto head = head_with(":status", "207");
  return nghttp2_submit_response(session, stream, head.data(), head.size(), nullptr) == 0;
}

bool ask(nghttp2_session* session) {
  const auto head = head_with(":method", "GET");
  return nghttp2_submit_request(session, nullptr, head.data(), head.size(), nullptr, nullptr) > 0;
}

// SETTINGS that offer our encoder a table of 64 KiB.
constexpr auto kSettings = "\0\0\6\4\0\0\0\0\0\0\1\0\1\0\0"sv;
// GET https://example/, twice: the first puts a field into our decoder's table, the second uses it.
constexpr auto kFirstGet = "\0\0\x0c\1\5\0\0\0\1\x82\x84\x87\x41\7example"sv;
constexpr auto kSecondGet = "\0\0\4\1\5\0\0\0\3\x82\x84\x87\xbe"sv;
// 200, without a body, and with a field that goes into the table.
constexpr auto kFirstAnswer = "\0\0\x08\1\5\0\0\0\1\x88\x76\5proxy"sv;
constexpr auto kSecondAnswer = "\0\0\2\1\5\0\0\0\3\x88\xbe"sv;

/// One session, and what it does with its memory.
class Trial {
 public:
  Trial(std::size_t frame_buffer, std::size_t encoder_index) : watch_(frame_buffer, encoder_index) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* option = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) == 0) callbacks_.reset(callbacks);
    if (nghttp2_option_new(&option) == 0) option_.reset(option);
    if (option_) nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
  }

  bool serves() {
    return begins(&nghttp2_session_server_new3) && receive(session_.get(), NGHTTP2_CLIENT_MAGIC) &&
           receive(session_.get(), kSettings) && send_all(session_.get()) &&
           is_served(kFirstGet, 1) && is_served(kSecondGet, 3);
  }
  bool calls() {
    if (!begins(&nghttp2_session_client_new3)) return false;
    const std::uint8_t* preface = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &preface);
    if (size != NGHTTP2_CLIENT_MAGIC_LEN) return false;
    watch_.mark();
    return nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, nullptr, 0) == 0 &&
           receive(session_.get(), kSettings) && leaves_all() && is_answered(kFirstAnswer) &&
           is_answered(kSecondAnswer);
  }

 private:
  template <class Make>
  bool begins(Make make) {
    nghttp2_session* session = nullptr;
    if (!callbacks_ || !option_) return false;
    if (make(&session, callbacks_.get(), nullptr, option_.get(), watch_.mem()) != 0) return false;
    session_.reset(session);
    return watch_.is_as_expected();
  }
  /// What waits to be sent does not stand in the frame buffer, and is sent without the index.
  bool leaves_all() {
    return watch_.has_left_frame_buffer() && send_all(session_.get()) &&
           watch_.has_left_encoder_index() && watch_.is_as_expected();
  }
  bool is_served(std::string_view request, std::int32_t stream) {
    watch_.mark();
    return receive(session_.get(), request) && answer(session_.get(), stream) && leaves_all();
  }
  bool is_answered(std::string_view head) {
    watch_.mark();
    if (!ask(session_.get()) || !leaves_all()) return false;
    watch_.mark();
    return receive(session_.get(), head) && leaves_all();
  }

  Watch watch_;
  CallbacksPtr callbacks_;
  OptionPtr option_;
  NativePtr session_;
};

}  // namespace

bool nghttp2_keeps_to(std::size_t frame_buffer, std::size_t encoder_index) {
  return Trial(frame_buffer, encoder_index).serves() && Trial(frame_buffer, encoder_index).calls();
}

}  // namespace sluice::h2
