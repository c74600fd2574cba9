#include "gateway/h2/memory.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <span>
#include <string_view>
#include <sys/mman.h>
#include <utility>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/h2/handles.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_POISONS 1
#endif
#endif
#ifdef SLUICE_POISONS
#include <sanitizer/asan_interface.h>
#endif

namespace sluice::h2 {
namespace {

/// NGHTTP2_FRAMEBUF_CHUNKLEN: a frame's header, the length of its padding, and its payload.
constexpr std::size_t kFrameBuffer = 9 + 1 + 16'384;
/// 128 pointers.
constexpr std::size_t kEncoderIndex = 1'024;

void forbid([[maybe_unused]] std::byte* begin) {
#ifdef SLUICE_POISONS
  ASAN_POISON_MEMORY_REGION(begin, kFrameBuffer);
#endif
}

void allow([[maybe_unused]] std::byte* begin) {
#ifdef SLUICE_POISONS
  ASAN_UNPOISON_MEMORY_REGION(begin, kFrameBuffer);
#endif
}

/// A page that belongs to nobody; null when the system has none.
void* untouchable() {
  static void* const page = [] {
    void* got = ::mmap(nullptr, kEncoderIndex, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return got == MAP_FAILED ? nullptr : got;
  }();
  return page;
}

/// What a session asks for, and whether it touches what it should not.
class Watch {
 public:
  Watch() : mem_{this, &allocate, &release, &zeroed, &reallocate} {}

  [[nodiscard]] nghttp2_mem* mem() { return &mem_; }
  /// One frame buffer; two indexes, of which the encoder's comes first.
  [[nodiscard]] bool is_as_expected() const {
    return frame_buffers_.size() == 1 && indexes_.size() == 2;
  }
  void mark() {
    fill(frame_buffers_.front(), kFrameBuffer);
    fill(indexes_.front(), kEncoderIndex);
  }
  [[nodiscard]] bool has_left_frame_buffer() const {
    return is_filled(frame_buffers_.front(), kFrameBuffer);
  }
  [[nodiscard]] bool has_left_encoder_index() const {
    return is_filled(indexes_.front(), kEncoderIndex);
  }

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
    if (size == kFrameBuffer) watch.frame_buffers_.push_back(block);
    if (size == kEncoderIndex) watch.indexes_.push_back(block);
    return block;
  }
  static void release(void* block, void*) noexcept { std::free(block); }
  static void* zeroed(std::size_t count, std::size_t size, void*) noexcept {
    return std::calloc(count, size);
  }
  static void* reallocate(void* block, std::size_t size, void* self) noexcept {
    return block == nullptr ? allocate(size, self) : std::realloc(block, size);
  }

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

bool answer(nghttp2_session* session, std::int32_t stream) {
  std::array<std::uint8_t, 7> name{':', 's', 't', 'a', 't', 'u', 's'};
  std::array<std::uint8_t, 3> value{'2', '0', '7'};
  std::array<std::uint8_t, 5> own{'x', '-', 'o', 'w', 'n'};
  const std::array<nghttp2_nv, 2> fields{
      {{name.data(), value.data(), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE},
       {own.data(), value.data(), own.size(), value.size(), NGHTTP2_NV_FLAG_NONE}}};
  return nghttp2_submit_response(session, stream, fields.data(), fields.size(), nullptr) == 0;
}

using namespace std::string_view_literals;

// The connection preface, and SETTINGS that offer our encoder a table of 64 KiB.
constexpr auto kHello =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    "\0\0\6\4\0\0\0\0\0\0\1\0\1\0\0"sv;
// GET https://example/, twice: the first puts a field into our decoder's table, the second uses it.
constexpr auto kFirstGet = "\0\0\x0c\1\5\0\0\0\1\x82\x84\x87\x41\7example"sv;
constexpr auto kSecondGet = "\0\0\4\1\5\0\0\0\3\x82\x84\x87\xbe"sv;

/// Does this nghttp2 keep to what memory.h says of it?
bool self_test() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return false;
  const CallbacksPtr callbacks_owner(callbacks);
  if (nghttp2_option_new(&option) != 0) return false;
  const OptionPtr option_owner(option);
  nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
  Watch watch;
  nghttp2_session* session = nullptr;
  if (nghttp2_session_server_new3(&session, callbacks, nullptr, option, watch.mem()) != 0) {
    return false;
  }
  const NativePtr owner(session);
  if (!watch.is_as_expected()) return false;

  const auto talk = [&](std::string_view request, std::int32_t stream) {
    watch.mark();
    if (!receive(session, request) || !answer(session, stream)) return false;
    // Nothing stands in the buffer that a later mem_send() would need.
    if (!watch.has_left_frame_buffer()) return false;
    return send_all(session) && watch.has_left_encoder_index() && watch.is_as_expected();
  };
  return receive(session, kHello) && send_all(session) && talk(kFirstGet, 1) && talk(kSecondGet, 3);
}

bool may_share() {
  static const bool may = [] {
    const bool passed = self_test() && untouchable() != nullptr;
    if (!passed) {
      log::warning(
          "this nghttp2 ({}) uses memory in another way than the gateway knows: each HTTP/2 "
          "connection costs 17 KiB more",
          nghttp2_version(0)->version_str);
    }
    return passed;
  }();
  return may;
}

}  // namespace

SharedMemory::SharedMemory(Policy policy) {
#ifndef SLUICE_POISONS  // A sanitizer is to see what happens to each.
  void* item = std::malloc(kItem);
  item_usable_ = ::malloc_usable_size(item);
  std::free(item);
#endif
  if (policy == Policy::own || !may_share()) return;
  frame_buffer_ = std::make_unique_for_overwrite<std::byte[]>(kFrameBuffer);
  forbid(frame_buffer_.get());
}

SharedMemory::~SharedMemory() {
  while (items_kept_ > 0) std::free(items_[--items_kept_]);
  if (frame_buffer_ != nullptr) allow(frame_buffer_.get());
}

void* SharedMemory::take_item() {
  return items_kept_ > 0 ? items_[--items_kept_] : std::malloc(kItem);
}

/// Blocks carry no mark: any that malloc made as large will do.
bool SharedMemory::keep_item(void* block) {
  if (items_kept_ == kItemsKept || ::malloc_usable_size(block) != item_usable_) return false;
  items_[items_kept_++] = block;
  return true;
}

SharedMemory::Use::Use(SharedMemory& memory) : memory_(memory) {
  SLUICE_ASSERT(!memory.is_in_use_, "two sessions wanted the frame buffer at once");
  memory.is_in_use_ = true;
  if (memory.frame_buffer_ != nullptr) allow(memory.frame_buffer_.get());
}

SharedMemory::Use::~Use() {
  if (memory_.frame_buffer_ != nullptr) forbid(memory_.frame_buffer_.get());
  memory_.is_in_use_ = false;
}

void* SessionMemory::allocate(std::size_t size) {
  if (size == SharedMemory::kItem) return shared_.take_item();
  // The first of each size, while the session is made; what is like them later is its own.
  if (shared_.is_shared()) {
    if (size == kFrameBuffer && !std::exchange(has_frame_buffer_, true)) {
      return shared_.frame_buffer_.get();
    }
    if (size == kEncoderIndex && !std::exchange(has_encoder_index_, true)) return untouchable();
  }
  return std::malloc(size);
}

bool SessionMemory::is_lent(const void* block) const {
  return block != nullptr &&
         (block == shared_.frame_buffer_.get() || (shared_.is_shared() && block == untouchable()));
}

void* SessionMemory::reallocate(void* block, std::size_t size) {
  if (block == nullptr) return allocate(size);
  SLUICE_ASSERT(!is_lent(block), "nghttp2 wanted to resize what is not its own");
  return std::realloc(block, size);
}

void SessionMemory::release(void* block) {
  if (block == nullptr || is_lent(block) || shared_.keep_item(block)) return;
  std::free(block);
}

}  // namespace sluice::h2
