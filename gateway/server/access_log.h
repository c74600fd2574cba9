/// AccessLog: a file of lines about requests, written by a thread of its own.
///
/// Workers add whole lines to a text that waits; the writer takes all of it at once and gives it to
/// the file, without a lock. A disk that is slow or full makes nobody wait: what finds no room in
/// the text, and what the disk does not take, is dropped, counted, and told of in the program's log
/// once a second. A line of which a part was written is ended before the next one, so that at most
/// that one cannot be read.
///
/// Owner   the caller of server::Gateway, which it outlives. Thread  add(), reopen() and the
/// counters: any.
/// Limits  `queue_bytes` wait; at the end of the process the writer has kLastWords for the rest.
/// Errors  open() says what cannot be opened and why. A file that cannot be opened again leaves the
/// old one in use, and the log says so.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "gateway/base/c_handle.h"
#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace sluice::server {

enum class AccessFormat { json, combined };

struct AccessLogOptions {
  std::string file;  ///< A path, "stdout" or "stderr". Empty: there is no access log.
  AccessFormat format = AccessFormat::json;
  std::size_t queue_bytes = 4_MiB;  ///< Lines that wait for the disk.
};

class AccessLog {
 public:
  static constexpr std::chrono::seconds kLastWords{2};

  static Result<std::unique_ptr<AccessLog>> open(const AccessLogOptions& options);
  /// Whether it could be opened, as far as can be seen without making anything.
  static Result<void> check(const std::string& file);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// A line, its end included. Never waits.
  void add(std::string_view line);
  /// Opens the file's name again, for a log that was moved away: what was added before goes to the
  /// old file, what comes after it to the new one.
  void reopen();

  [[nodiscard]] AccessFormat format() const { return options_.format; }
  [[nodiscard]] std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  /// Lines that found no room, and lines that could not be written.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  AccessLog(const AccessLogOptions& options, UniqueFd fd);

  void run();
  void open_again();
  void write(std::string_view text);
  /// True: all of it was written. Else `text` is what is left.
  bool put(std::string_view& text);
  /// Of a pipe or a terminal: it takes kPiece bytes without waiting.
  [[nodiscard]] bool wait_for_room();
  void complain();

  // Set in the constructor.
  const AccessLogOptions options_;
  bool is_file_ = false;  ///< Writing to it does not wait for a reader.
  // Writer only.
  UniqueFd fd_;
  bool is_torn_ = false;  ///< The last line in the file has no end.
  int error_ = 0;         ///< Of the last write that failed.
  std::uint64_t told_ = 0;
  std::chrono::steady_clock::time_point next_complaint_{};
  // Any thread.
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::mutex mutex_;
  std::condition_variable news_;
  std::string waiting_;       ///< Lines for the file that is open.
  std::string for_new_file_;  ///< While one is to be opened again.
  bool is_reopening_ = false;
  std::uint32_t reopenings_ = 0;
  std::atomic<bool> is_stopping_{false};
  std::chrono::steady_clock::time_point give_up_at_{};  ///< Set before is_stopping_.
  std::thread writer_;
};

}  // namespace sluice::server
