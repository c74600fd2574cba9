#include "gateway/redis/line.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/net/dial.h"

namespace sluice::redis {

/// What speaks on the connection. It knows its line for as long as that wants to hear of it.
class Line::Conn final : public Protocol {
 public:
  Conn(Line& line, Transport& transport)
      : line_(&line), transport_(transport), decoder_(line.wiring_.options.answer_bytes) {}
  ~Conn() override {
    if (line_ == nullptr) return;
    line_->conn_ = nullptr;
    line_->closed("the connection broke");
  }

  void send(std::string_view command) {
    out_.append(command);
    transport_.flush_later();
  }
  void leave() {
    line_ = nullptr;
    transport_.flush_later();
  }

  void feed(std::span<const std::byte> bytes) override {
    decoder_.feed(bytes);
    while (line_ != nullptr) {
      auto reply = decoder_.next();
      if (!reply) return closed(reply.error().what, reply.error().code);
      if (!reply->has_value()) return;
      line_->events_.on_reply(std::move(**reply));
    }
  }
  void on_eof() override {
    if (line_ != nullptr) closed("it closed the connection");
  }
  bool fill(OutBuffer& out) override {
    const std::size_t n = std::min(out.room(), out_.size() - filled_);
    out.append(std::as_bytes(std::span(out_).subspan(filled_, n)));
    filled_ += n;
    if (filled_ < out_.size()) return true;
    out_.clear();
    filled_ = 0;
    if (out_.capacity() > kKeep) out_.shrink_to_fit();
    return false;
  }
  [[nodiscard]] bool wants_read() const override { return true; }
  [[nodiscard]] bool is_finished() const override { return line_ == nullptr; }
  TimePoint check(TimePoint now) override { return now + std::chrono::hours(1); }
  void drain_notice() override {}
  void drain_finish() override {}

 private:
  static constexpr std::size_t kKeep = 1_MiB;

  void closed(std::string_view why, Errc code = Errc::io) {
    Line& line = *line_;
    line.conn_ = nullptr;
    leave();
    line.closed(why, code);
  }

  Line* line_;  ///< Null: it is to be closed.
  Transport& transport_;
  Decoder decoder_;
  std::string out_;
  std::size_t filled_ = 0;  ///< Of `out_`.
};

Line::Line(const Wiring& wiring, Place place, std::size_t turn, Events& events)
    : wiring_(wiring),
      place_(std::move(place)),
      events_(events),
      self_(std::make_shared<Line*>(this)) {
  const auto address = net::SocketAddress::parse(place_.host, place_.port);
  address ? dial(*address) : resolve(turn);
}

Line::~Line() {
  *self_ = nullptr;
  if (conn_ != nullptr) conn_->leave();
}

void Line::resolve(std::size_t turn) {
  wiring_.resolver.resolve(place_.host, place_.port,
                           [this, self = self_, post = wiring_.post, turn](auto addresses) {
                             post([this, self, turn, addresses = std::move(addresses)] {
                               if (*self == nullptr) return;
                               if (!addresses) return closed(addresses.error().what);
                               dial((*addresses)[turn % addresses->size()]);
                             });
                           });
}

void Line::dial(const net::SocketAddress& address) {
  const std::string& name = wiring_.options.server_name;
  wiring_.connections.dial(
      {.address = address,
       .tls = wiring_.tls,
       .server_name = name.empty() ? place_.host : name,
       .timeout = wiring_.options.connect_timeout,
       .opened = [this, self = self_](Transport& transport,
                                      std::string_view /*alpn*/) -> std::unique_ptr<Protocol> {
         if (*self == nullptr) return nullptr;
         auto conn = std::make_unique<Conn>(*this, transport);
         conn_ = conn.get();
         events_.on_open();
         return conn;
       },
       .failed =
           [this, self = self_](const net::DialFailure& failure) {
             if (*self != nullptr) closed(failure.what);
           }});
}

void Line::send(std::string_view command) {
  SLUICE_ASSERT(conn_ != nullptr, "a command was given to a line that is not open");
  conn_->send(command);
}

/// `why` may be a part of what ends here.
void Line::closed(std::string_view why, Errc code) {
  const std::string reason(why);
  events_.on_closed(reason, code);
}

}  // namespace sluice::redis
