#include "gateway/redis/link.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/base/random.h"

namespace sluice::redis {
namespace {

constexpr Millis kWatch{100};

std::string advice_for_login(std::string_view refusal) {
  return fmt::format(
      "it refuses the login ({}): see history.user, history.password_file and the server's ACL",
      refusal);
}

}  // namespace

/// What speaks on the connection. It knows its link for as long as that wants to hear of it.
class Link::Conn final : public Protocol {
 public:
  Conn(Link& link, Transport& transport) : link_(&link), transport_(transport) {}
  ~Conn() override {
    if (link_ == nullptr) return;
    link_->conn_ = nullptr;
    link_->lost("the connection broke");
  }

  void send(std::string_view command) {
    out_.append(command);
    transport_.flush_later();
  }
  void leave() {
    link_ = nullptr;
    transport_.flush_later();
  }

  void feed(std::span<const std::byte> bytes) override {
    decoder_.feed(bytes);
    while (link_ != nullptr) {
      auto reply = decoder_.next();
      if (!reply) return link_->lost(reply.error().what);
      if (!reply->has_value()) return;
      link_->on_reply(std::move(**reply));
    }
  }
  void on_eof() override {
    if (link_ != nullptr) link_->lost("it closed the connection");
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
  [[nodiscard]] bool is_finished() const override { return link_ == nullptr; }
  TimePoint check(TimePoint now) override { return now + std::chrono::hours(1); }
  void drain_notice() override {}
  void drain_finish() override {}

 private:
  static constexpr std::size_t kKeep = 1_MiB;

  Link* link_;  ///< Null: it is to be closed.
  Transport& transport_;
  Decoder decoder_;
  std::string out_;
  std::size_t filled_ = 0;  ///< Of `out_`.
};

Link::Link(const Wiring& wiring, std::string name, Events& events)
    : wiring_(wiring),
      name_(std::move(name)),
      events_(events),
      self_(std::make_shared<Link*>(this)),
      backoff_(wiring.options.backoff),
      again_(wiring.loop, [this] { connect(); }),
      watch_(wiring.loop, [this] { look_at_time(); }) {}

Link::~Link() {
  *self_ = nullptr;
  if (conn_ != nullptr) conn_->leave();
}

void Link::start() {
  connect();
}

// --- Connecting ---------------------------------------------------------------------------------

void Link::connect() {
  const RedisUrl& url = wiring_.url;
  if (const auto address = net::SocketAddress::parse(url.host, url.port)) return dial(*address);
  resolve();
}

void Link::resolve() {
  state_ = State::resolving;
  wiring_.resolver.resolve(wiring_.url.host, wiring_.url.port,
                           [this, self = self_, post = wiring_.post](auto addresses) {
                             post([this, self, addresses = std::move(addresses)] {
                               if (*self == nullptr) return;
                               if (!addresses) return lost(addresses.error().what);
                               dial((*addresses)[turn_++ % addresses->size()]);
                             });
                           });
}

void Link::dial(const net::SocketAddress& address) {
  state_ = State::dialing;
  wiring_.connections.dial(
      {.address = address,
       .tls = wiring_.tls,
       .server_name = wiring_.url.host,
       .timeout = wiring_.options.connect_timeout,
       .opened = [this, self = self_](Transport& transport,
                                      std::string_view /*alpn*/) -> std::unique_ptr<Protocol> {
         if (*self == nullptr) return nullptr;
         auto conn = std::make_unique<Conn>(*this, transport);
         conn_ = conn.get();
         greet();
         return conn;
       },
       .failed =
           [this, self = self_](const net::DialFailure& failure) {
             if (*self != nullptr) lost(failure.what);
           }});
}

void Link::greet() {
  state_ = State::greeting;
  const RedisUrl& url = wiring_.url;
  const std::string& user = wiring_.options.user.empty() ? url.user : wiring_.options.user;
  const std::string& password =
      wiring_.options.password.empty() ? url.password : wiring_.options.password;
  const auto ask = [this](std::initializer_list<std::string_view> words,
                          void (Link::*heard)(const Result<Reply>&)) {
    send(Words(words).command(), [this, heard](const auto& answer) { (this->*heard)(answer); }, {});
  };
  if (!password.empty() && user.empty()) ask({"AUTH", password}, &Link::greeted);
  if (!password.empty() && !user.empty()) ask({"AUTH", user, password}, &Link::greeted);
  if (url.database != 0) ask({"SELECT", std::to_string(url.database)}, &Link::greeted);
  send(Words{"CLIENT", "SETNAME", name_}.command(), [](const auto&) {}, {});  // A courtesy.
  ask({"ROLE"}, &Link::check_role);
  ask({"EXISTS", wiring_.key}, &Link::check_service);
}

void Link::greeted(const Result<Reply>& answer) {
  if (answer && answer->is_error()) lost(advice_for_login(answer->text()));
}

/// A user who may not ask for the role finds out by READONLY.
void Link::check_role(const Result<Reply>& answer) {
  if (!answer || !answer->is_array() || answer->size() == 0) return;
  if ((*answer)[0].text() == "master") return;
  lost("it is a replica now, and takes no events: history.url has to name the master");
}

void Link::check_service(const Result<Reply>& answer) {
  if (!answer || state_ != State::greeting) return;
  if (answer->is_error()) {
    const std::string_view text = answer->text();
    const bool is_login = text.starts_with("NOAUTH") || text.starts_with("NOPERM");
    return lost(is_login ? advice_for_login(text) : std::string(text));
  }
  state_ = State::up;
  backoff_ = wiring_.options.backoff;
  events_.on_up();
}

// --- Commands -----------------------------------------------------------------------------------

void Link::call(std::string command, Answered done, Duration patience) {
  SLUICE_ASSERT(is_up(), "a command was given to a link that is not up");
  send(command, std::move(done), patience);
}

void Link::send(std::string_view command, Answered done, Duration patience) {
  const Duration timeout =
      state_ == State::greeting ? wiring_.options.connect_timeout : wiring_.options.answer_timeout;
  pending_.push_back({std::move(done), wiring_.loop.now() + timeout + patience});
  if (!watch_.is_running()) watch_.start_periodic(kWatch);
  conn_->send(command);
}

void Link::on_reply(Reply reply) {
  if (pending_.empty()) {
    return lost(reply.is_error() ? reply.text() : "it answers what was not asked");
  }
  const Answered done = std::move(pending_.front().done);
  pending_.pop_front();
  if (!pending_.empty()) {
    TimePoint& due = pending_.front().due;
    due = std::max(due, wiring_.loop.now() + wiring_.options.answer_timeout);
  }
  done(std::move(reply));
}

void Link::look_at_time() {
  if (pending_.empty()) return watch_.stop();
  if (wiring_.loop.now() >= pending_.front().due) lost("it does not answer");
}

void Link::cut(std::string_view why) {
  if (conn_ != nullptr) lost(why);
}

/// `why` may be a part of what ends here.
void Link::lost(std::string_view why) {
  const std::string reason(why);
  if (conn_ != nullptr) std::exchange(conn_, nullptr)->leave();
  state_ = State::waiting;
  watch_.stop();
  again_.start(jitter(backoff_ / 2, backoff_));
  backoff_ = std::min(backoff_ * 2, wiring_.options.backoff_max);
  for (const Pending& one : std::exchange(pending_, {})) one.done(fail(Errc::io, reason));
  events_.on_down(reason);
}

}  // namespace sluice::redis
