#include "gateway/server/access_log.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"

namespace sluice::server {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kMode = 0640;
/// A pipe that has room for anything takes so much without waiting: PIPE_BUF.
constexpr std::size_t kPiece = 4096;
constexpr int kPoll = 100;  // Milliseconds.

std::string reason(int error) {
  return std::generic_category().message(error);
}

bool is_standard(std::string_view file) {
  return file == "stdout" || file == "stderr";
}

bool is_pipe(const std::string& file) {
  struct stat about {};
  return ::stat(file.c_str(), &about) == 0 && S_ISFIFO(about.st_mode);
}

Result<UniqueFd> open_file(const std::string& file) {
  UniqueFd fd(is_standard(file)
                  ? ::fcntl(file == "stdout" ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
                  : ::open(file.c_str(),
                           O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                           kMode));
  if (fd) return fd;
  const int error = errno;
  if (error == ENXIO && is_pipe(file)) {
    return fail(Errc::invalid,
                fmt::format("the access log {} is a pipe that nobody reads: start its reader "
                            "first, or name a file in access_log.file",
                            file));
  }
  return fail(
      Errc::invalid,
      fmt::format("the access log {} cannot be opened: {}; see access_log.file, and who may "
                  "write there",
                  file, reason(error)));
}

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string_view advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "; make room there, or turn the log's files over more often";
    case EFBIG:
      return "; move the file away and send SIGUSR1, or raise the limit of file sizes";
    default:
      return "; see access_log.file";
  }
}

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::open(const AccessLogOptions& options) {
  auto fd = open_file(options.file);
  if (!fd) return tl::unexpected(fd.error());
  return std::unique_ptr<AccessLog>(new AccessLog(options, std::move(*fd)));
}

Result<void> AccessLog::check(const std::string& file) {
  namespace fs = std::filesystem;
  if (file.empty() || is_standard(file)) return {};
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) {
    return fail(Errc::io, fmt::format("{} is a folder; name a file in it, as in \"{}\"", file,
                                      (fs::path(file) / "access.log").string()));
  }
  const bool is_there = fs::exists(file, ignored);
  const std::string folder = fs::path(file).parent_path().string();
  // "/.", or an executable file would do for a folder.
  const int wrong =
      is_there ? ::access(file.c_str(), W_OK) : ::access((folder + "/.").c_str(), W_OK | X_OK);
  if (wrong == 0) return {};
  const std::string why = reason(errno);
  if (is_there) return fail(Errc::io, fmt::format("{} cannot be written: {}", file, why));
  return fail(Errc::io, fmt::format("{} cannot be made: {}: {}", file, folder, why));
}

AccessLog::AccessLog(const AccessLogOptions& options, UniqueFd fd)
    : options_(options), fd_(std::move(fd)) {
  struct stat about {};
  is_file_ = ::fstat(fd_.get(), &about) == 0 && S_ISREG(about.st_mode);
  writer_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(mutex_);
    give_up_at_ = Steady::now() + kLastWords;
    is_stopping_.store(true, std::memory_order_release);
  }
  news_.notify_one();
  writer_.join();
}

void AccessLog::add(std::string_view line) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + for_new_file_.size() + line.size() > options_.queue_bytes) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    std::string& text = is_reopening_ ? for_new_file_ : waiting_;
    was_empty = text.empty();
    text += line;
  }
  if (was_empty) news_.notify_one();
}

void AccessLog::reopen() {
  {
    const std::lock_guard lock(mutex_);
    is_reopening_ = true;
    ++reopenings_;
  }
  news_.notify_one();
}

void AccessLog::run() {
  std::string text;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto has_news = [this] {
      return !waiting_.empty() || is_reopening_ || is_stopping_.load(std::memory_order_relaxed);
    };
    // What was dropped is told of even when nothing more comes.
    news_.wait_for(lock, std::chrono::seconds(1), has_news);
    const bool is_last = is_stopping_.load(std::memory_order_relaxed);
    const std::uint32_t reopenings = reopenings_;
    const bool reopens = is_reopening_;
    text.clear();
    text.swap(waiting_);
    lock.unlock();
    write(text);
    if (reopens) open_again();
    complain();
    lock.lock();
    if (reopens) {
      is_reopening_ = reopenings_ != reopenings;  // Once more, meanwhile.
      waiting_.insert(0, std::exchange(for_new_file_, {}));
    }
    if (is_last && waiting_.empty()) return;
    if (is_last && Steady::now() >= give_up_at_) return;
  }
}

void AccessLog::open_again() {
  auto fd = open_file(options_.file);
  if (!fd) {
    log::error("{}; the old file is written on", fd.error().what);
    return;
  }
  fd_ = std::move(*fd);
  struct stat about {};
  is_file_ = ::fstat(fd_.get(), &about) == 0 && S_ISREG(about.st_mode);
  is_torn_ = false;
}

void AccessLog::write(std::string_view text) {
  if (text.empty()) return;
  const std::uint64_t lines = lines_in(text);
  std::string_view end = "\n";
  if (is_torn_) is_torn_ = !put(end);
  std::string_view rest = text;
  if (!is_torn_) (void)put(rest);
  if (!rest.empty() && rest.size() < text.size()) {
    is_torn_ = text[text.size() - rest.size() - 1] != '\n';
  }
  // A line that was begun and not ended counts as lost, as its end is among what is left.
  const std::uint64_t lost = lines_in(rest);
  written_.fetch_add(lines - lost, std::memory_order_relaxed);
  if (lost > 0) failed_.fetch_add(lost, std::memory_order_relaxed);
}

bool AccessLog::put(std::string_view& text) {
  while (!text.empty()) {
    if (!is_file_ && !wait_for_room()) {
      error_ = EAGAIN;
      return false;
    }
    const std::size_t most = is_file_ ? text.size() : std::min(text.size(), kPiece);
    const ssize_t n = ::write(fd_.get(), text.data(), most);
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
      error_ = n == 0 ? EIO : errno;
      return false;
    }
  }
  return true;
}

/// Who reads the other end may take his time: meanwhile lines wait, and then are dropped. At the
/// end of the process he has no more.
bool AccessLog::wait_for_room() {
  for (;;) {
    pollfd end{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
    const int n = ::poll(&end, 1, kPoll);
    if (n > 0 || (n < 0 && errno != EINTR)) return true;  // write() says what is wrong.
    if (is_stopping_.load(std::memory_order_acquire) && Steady::now() >= give_up_at_) return false;
    complain();
  }
}

void AccessLog::complain() {
  const std::uint64_t failed = failed_.load(std::memory_order_relaxed);
  const std::uint64_t lost = failed + dropped_.load(std::memory_order_relaxed);
  const auto now = Steady::now();
  if (lost == told_ || now < next_complaint_) return;
  next_complaint_ = now + std::chrono::seconds(1);
  const std::uint64_t more = lost - std::exchange(told_, lost);
  if (const int error = std::exchange(error_, 0); error != 0) {
    log::error("the access log {} cannot be written: {}; {} lines are lost{}", options_.file,
               reason(error), more, advice(error));
  } else {
    log::warning(
        "the access log {} is too slow: {} lines are lost; write it to a faster disk, or "
        "raise access_log.queue",
        options_.file, more);
  }
}

}  // namespace sluice::server
