#include "gateway/server/client_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/base/c_handle.h"
#include "gateway/h1/chunked.h"
#include "tls/client_session.h"

namespace sluice::server {
namespace {

using AddressPtr = CHandle<addrinfo, ::freeaddrinfo>;

constexpr std::size_t kPiece = 16_KiB;
constexpr std::size_t kMaxHead = 64_KiB;
constexpr std::size_t kMaxExcuse = 1'000;

Result<UniqueFd> connect_to(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  const AddressPtr addresses(found);
  for (const addrinfo* at = failed == 0 ? found : nullptr; at != nullptr; at = at->ai_next) {
    UniqueFd fd(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    if (fd.get() < 0 || ::connect(fd.get(), at->ai_addr, at->ai_addrlen) != 0) continue;
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return fd;
  }
  return fail(Errc::io, fmt::format("cannot connect to {}", url.authority()));
}

/// The socket, with or without TLS. It does not block.
class Line {
 public:
  static Result<Line> open(const StreamRequest& request) {
    auto fd = connect_to(request.url);
    if (!fd) return tl::unexpected(fd.error());
    Line line(std::move(*fd));
    if (request.url.is_tls) {
      auto tls = tls::ClientSession::open(line.fd(), {.host = request.url.host,
                                                      .ca_file = request.ca_file,
                                                      .is_insecure = request.is_insecure});
      if (!tls && tls.error().code == Errc::denied) {
        return fail(Errc::denied,
                    fmt::format("the certificate of {} is not trusted ({}); give --ca FILE, or "
                                "--insecure to take any",
                                request.url.authority(), tls.error().what));
      }
      if (!tls) {
        return fail(Errc::io, fmt::format("no TLS with {}: {}; is it an http:// address?",
                                          request.url.authority(), tls.error().what));
      }
      line.tls_ = std::move(*tls);
    }
    ::fcntl(line.fd(), F_SETFL, O_NONBLOCK);
    return line;
  }
  [[nodiscard]] int fd() const { return fd_.get(); }

  tls::IoResult read(std::span<std::byte> into) {
    if (tls_) return tls_->read(into);
    return result(::recv(fd(), into.data(), into.size(), 0), tls::Io::want_read);
  }
  tls::IoResult write(std::string_view text) {
    if (tls_) return tls_->write(std::as_bytes(std::span(text)));
    return result(::send(fd(), text.data(), text.size(), MSG_NOSIGNAL), tls::Io::want_write);
  }

 private:
  explicit Line(UniqueFd fd) : fd_(std::move(fd)) {}
  static tls::IoResult result(ssize_t n, tls::Io transient) {
    if (n > 0) return {tls::Io::ok, static_cast<std::size_t>(n)};
    if (n == 0) return {tls::Io::closed, 0};
    return {errno == EAGAIN || errno == EINTR ? transient : tls::Io::failed, 0};
  }

  UniqueFd fd_;
  std::unique_ptr<tls::ClientSession> tls_;
};

/// Reads the answer: its head, then events, or the text of a refusal.
class AnswerReader {
 public:
  explicit AnswerReader(const std::function<void(sse::Message&&)>& on_event)
      : parser_({on_event, {}, {}}) {}

  /// False: this is no answer of a gateway.
  bool feed(std::string_view bytes) {
    if (answer_.status == 0) {
      head_ += bytes;
      const std::size_t end = head_.find("\r\n\r\n");
      if (end == head_.npos) return head_.size() <= kMaxHead;
      const std::string rest = head_.substr(end + 4);
      if (!read_head(head_.substr(0, end))) return false;
      return feed(rest);
    }
    while (is_chunked_ && !chunks_.is_done() && !bytes.empty()) {
      take(chunks_.next(bytes));
      if (chunks_.is_bad()) return false;
    }
    if (!is_chunked_) take(bytes);
    return true;
  }
  [[nodiscard]] bool is_complete() const {
    return chunks_.is_done() || (answer_.status != 0 && !is_chunked_ && received_ >= length_);
  }
  [[nodiscard]] StreamAnswer& answer() { return answer_; }

 private:
  bool read_head(std::string head) {
    const bool is_http = head.starts_with("HTTP/1.1 ") && head.size() >= 12;
    if (!is_http) return false;
    std::from_chars(head.data() + 9, head.data() + 12, answer_.status);
    head = to_lower(head);
    is_chunked_ = head.find("\r\ntransfer-encoding: chunked") != head.npos;
    constexpr std::string_view kLength = "\r\ncontent-length: ";
    if (const std::size_t at = head.find(kLength); at != head.npos) {
      std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(), length_);
    }
    head_.clear();
    return answer_.status >= 200;
  }
  void take(std::string_view body) {
    received_ += body.size();
    if (answer_.status == 200) {
      parser_.feed(body);
    } else {
      answer_.text += body.substr(0, kMaxExcuse - std::min(kMaxExcuse, answer_.text.size()));
    }
  }

  StreamAnswer answer_;
  sse::Parser parser_;
  std::string head_;
  h1::ChunkedDecoder chunks_;
  std::size_t length_ = 0;  ///< Of a body without chunks.
  std::size_t received_ = 0;
  bool is_chunked_ = false;
};

std::string head_of(const StreamRequest& request) {
  std::string head = fmt::format(
      "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: text/event-stream\r\n"
      "transfer-encoding: chunked\r\nconnection: close\r\n",
      request.target, request.url.authority());
  if (!request.token.empty()) head += fmt::format("authorization: Bearer {}\r\n", request.token);
  if (!request.idempotency_key.empty()) {
    head += fmt::format("idempotency-key: {}\r\n", request.idempotency_key);
  }
  return head + "\r\n";
}

/// Moves bytes both ways until the answer is over.
class Pump {
 public:
  Pump(Line& line, int input, AnswerReader& reader, std::string head)
      : line_(line), input_(input), reader_(reader), out_(std::move(head)) {}

  /// True when the answer is whole.
  bool run() {
    while (!is_over_) {
      std::array<pollfd, 2> waits{
          pollfd{line_.fd(), static_cast<short>(POLLIN | (out_.empty() ? 0 : POLLOUT)), 0},
          pollfd{out_.empty() && !is_input_over_ ? input_ : -1, POLLIN, 0}};
      if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return false;
      if (waits[1].revents != 0) read_input();
      if (!out_.empty()) write();
      read();
    }
    return reader_.is_complete();
  }

 private:
  void read_input() {
    std::array<char, kPiece> bytes{};
    const ssize_t n = ::read(input_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) return;
    is_input_over_ = n <= 0;
    out_ = is_input_over_
               ? "0\r\n\r\n"
               : fmt::format("{:x}\r\n{}\r\n", n,
                             std::string_view(bytes.data(), static_cast<std::size_t>(n)));
  }
  void write() {
    const tls::IoResult result = line_.write(out_);
    out_.erase(0, result.n);
    // The answer may have come, though nothing more can be sent: it is still to be read.
    if (result.io == tls::Io::failed || result.io == tls::Io::closed) {
      out_.clear();
      is_input_over_ = true;
    }
  }
  void read() {
    std::array<std::byte, kPiece> bytes{};
    for (;;) {
      const tls::IoResult result = line_.read(bytes);
      if (result.io == tls::Io::want_read || result.io == tls::Io::want_write) return;
      is_over_ = result.io != tls::Io::ok ||
                 !reader_.feed({reinterpret_cast<const char*>(bytes.data()), result.n}) ||
                 reader_.is_complete();
      if (is_over_) return;
    }
  }

  Line& line_;
  const int input_;
  AnswerReader& reader_;
  std::string out_;
  bool is_input_over_ = false;
  bool is_over_ = false;
};

}  // namespace

Result<StreamAnswer> stream_events(const StreamRequest& request, int input,
                                   const std::function<void(sse::Message&&)>& on_event) {
  auto line = Line::open(request);
  if (!line) return tl::unexpected(line.error());
  AnswerReader reader(on_event);
  if (!Pump(*line, input, reader, head_of(request)).run()) {
    return fail(Errc::io, fmt::format("the connection to {} broke{}", request.url.authority(),
                                      request.url.is_tls ? "" : "; is it an https:// address?"));
  }
  return std::move(reader.answer());
}

}  // namespace sluice::server
