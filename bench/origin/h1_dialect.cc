/// The application over HTTP/1.1: each event in a chunk of its own, one stream at a time.

#include <algorithm>
#include <cctype>
#include <charconv>
#include <memory>
#include <optional>

#include <fmt/core.h>

#include "bench/origin/application.h"
#include "bench/origin/visitor.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kBlankLine = "\r\n\r\n";
constexpr std::string_view kLength = "\r\ncontent-length: ";
constexpr std::string_view kClose = "\r\nconnection: close\r\n";
constexpr std::size_t kMostRequest = 1'100'000;
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    "transfer-encoding: chunked\r\n\r\n";
constexpr std::string_view kGreeting = "3\r\n:\n\n\r\n";

struct Request {
  std::string_view method, target, body;
  bool closes = false;
};

class H1Dialect final : public Dialect {
 public:
  explicit H1Dialect(Host host) : host_(host) {}

  bool take(std::string_view bytes) override {
    if (stream_) return true;  // whatever is said to a stream, it goes on
    request_.append(bytes);
    while (!stream_ && !closes_) {
      const auto size = handle();
      if (!size) return false;
      if (*size == 0) break;
      request_.erase(0, *size);
    }
    return true;
  }

  bool collect(std::string& out) override {
    if (closes_ && waiting_.empty()) return false;
    out.swap(waiting_);
    in_flight_ = out.size();
    return true;
  }

  void on_sent(std::size_t bytes) override {
    in_flight_ -= bytes;
    if (stream_ && stream_->tally != nullptr) stream_->tally->bytes += bytes;
  }

 private:
  class Stream final : public Outlet {
   public:
    Stream(H1Dialect& dialect, const Ask& asked) : Outlet(asked), dialect_(dialect) {
      dialect_.host_.application.open(*this);
    }
    ~Stream() override { dialect_.host_.application.close(*this); }

    void push(std::string_view event) override {
      dialect_.waiting_ += fmt::format("{:x}\r\n{}\r\n", event.size(), event);
    }
    [[nodiscard]] std::size_t waiting() const override {
      return dialect_.waiting_.size() + dialect_.in_flight_;
    }
    void mark() override { dialect_.host_.visitor.mark(); }

   private:
    H1Dialect& dialect_;
  };

  /// How many bytes the first request has, behind which it was answered; 0 while it is not
  /// complete, nothing when it is none.
  std::optional<std::size_t> handle() {
    const auto blank = request_.find(kBlankLine);
    if (request_.size() > kMostRequest) return std::nullopt;
    if (blank == std::string::npos) return 0;
    std::string head = request_.substr(0, blank + 2);
    std::transform(head.begin(), head.end(), head.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::size_t length = 0;
    if (const auto field = head.find(kLength); field != std::string::npos) {
      const auto* digits = head.data() + field + kLength.size();
      std::from_chars(digits, head.data() + head.size(), length);
    }
    const auto whole = blank + kBlankLine.size() + length;
    if (length > kMostRequest) return std::nullopt;
    if (request_.size() < whole) return 0;
    const std::string_view line(request_.data(), request_.find("\r\n"));
    const auto method = line.substr(0, line.find(' '));
    const auto rest = line.substr(std::min(method.size() + 1, line.size()));
    answer({.method = method,
            .target = rest.substr(0, rest.find(' ')),
            .body = std::string_view(request_).substr(whole - length, length),
            .closes = head.find(kClose) != std::string::npos});
    return whole;
  }

  void answer(const Request& request) {
    auto& application = host_.application;
    const auto ask = parse_ask(request.target);
    if (request.method == "POST" && ask && ask->is_posted) {
      application.post(request.body);
      say("202 Accepted", {});
    } else if (request.method == "GET" && ask) {
      waiting_ += kStreamHead;
      if (ask->greets) waiting_ += kGreeting;
      stream_ = std::make_unique<Stream>(*this, *ask);
      application.note_connection();
      return;
    } else if (request.target == "/origin/stop" || request.target == "/origin/counts") {
      if (request.target == "/origin/stop") application.stop();
      say("200 OK", application.counts());
    } else {
      say("404 Not Found", {});
    }
    closes_ = request.closes;
  }

  void say(std::string_view status, std::string_view body) {
    waiting_ += fmt::format("HTTP/1.1 {}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
                            status, body.size());
    waiting_ += body;
  }

  const Host host_;
  std::string request_;
  std::string waiting_;
  std::size_t in_flight_ = 0;  ///< Collected, and not sent yet.
  bool closes_ = false;
  std::unique_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<Dialect> make_h1(Host host) {
  return std::make_unique<H1Dialect>(host);
}

}  // namespace sluice::bench
