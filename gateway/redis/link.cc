#include "gateway/redis/link.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/base/random.h"
#include "gateway/redis/refusal.h"
#include "gateway/redis/whereabouts.h"

namespace sluice::redis {
namespace {

constexpr Millis kWatch{100};

std::string advice_for_login(std::string_view refusal) {
  return fmt::format(
      "it refuses the login ({}): see history.user, history.password_file and the server's ACL",
      refusal);
}

std::string explain(std::string_view refusal) {
  const bool is_login = refusal.starts_with("NOAUTH") || refusal.starts_with("NOPERM");
  return is_login ? advice_for_login(refusal) : read_refusal(refusal).what;
}

}  // namespace

Link::Link(const Wiring& wiring, std::string name, Events& events)
    : wiring_(wiring),
      name_(std::move(name)),
      events_(events),
      self_(std::make_shared<Link*>(this)),
      backoff_(wiring.options.backoff),
      again_(wiring.loop, [this] { connect(); }),
      watch_(wiring.loop, [this] { look_at_time(); }),
      review_(wiring.loop, [this] { look_at_master(); }) {}

Link::~Link() {
  *self_ = nullptr;
}

void Link::start() {
  connect();
}

// --- Connecting ---------------------------------------------------------------------------------

void Link::connect() {
  state_ = State::finding;
  wiring_.whereabouts.find([this, self = self_](const Result<Place>& found) {
    if (*self == nullptr) return;
    found ? dial(*found) : lost(found.error().what);
  });
}

void Link::dial(const Place& place) {
  state_ = State::dialing;
  place_ = place;
  line_ = std::make_unique<Line>(wiring_, place_, turn_++, static_cast<Line::Events&>(*this));
}

void Link::on_open() {
  greet();
}

void Link::on_closed(std::string_view why, Errc code) {
  lost(why, code);
}

void Link::greet() {
  state_ = State::greeting;
  is_replica_ = false;
  const Login& login = wiring_.login;
  const auto ask = [this](std::initializer_list<std::string_view> words,
                          void (Link::*heard)(const Result<Reply>&)) {
    send(Words(words).command(), [this, heard](const auto& answer) { (this->*heard)(answer); }, {});
  };
  const auto& [user, password, database] = login;
  if (!password.empty() && user.empty()) ask({"AUTH", password}, &Link::greeted);
  if (!password.empty() && !user.empty()) ask({"AUTH", user, password}, &Link::greeted);
  if (database != 0) ask({"SELECT", std::to_string(database)}, &Link::selected);
  send(Words{"CLIENT", "SETNAME", name_}.command(), [](const auto&) {}, {});  // A courtesy.
  if (!wiring_.whereabouts.has_sentinels()) ask({"CLUSTER", "SLOTS"}, &Link::hear_nodes);
  ask({"ROLE"}, &Link::check_role);
  ask({"EXISTS", wiring_.key}, &Link::check_service);
}

void Link::greeted(const Result<Reply>& answer) {
  if (answer && answer->is_error()) lost(advice_for_login(answer->text()));
}

void Link::selected(const Result<Reply>& answer) {
  if (!answer || !answer->is_error()) return;
  const std::string_view text = answer->text();
  if (!text.starts_with("ERR")) return lost(explain(text));
  lost(fmt::format("it has no database {} ({}); a cluster has 0 alone: leave the number away",
                   wiring_.login.database, text));
}

/// Most servers are no cluster, or do not tell us.
void Link::hear_nodes(const Result<Reply>& answer) {
  if (answer && answer->is_array()) wiring_.whereabouts.learn(*answer);
}

/// A user who may not ask for the role finds out by READONLY.
void Link::check_role(const Result<Reply>& answer) {
  if (!answer || !answer->is_array() || answer->size() == 0) return;
  is_replica_ = (*answer)[0].text() != "master";
}

/// A replica in a cluster leads to its master.
void Link::check_service(const Result<Reply>& answer) {
  if (!answer || state_ != State::greeting) return;
  if (answer->is_error()) return lost(explain(answer->text()));
  if (is_replica_) {
    return lost(wiring_.whereabouts.has_sentinels()
                    ? "it is a replica now, and takes no events: the sentinels are asked again"
                    : "it is a replica now, and takes no events: history.url has to name the "
                      "master, or history.sentinels who knows it");
  }
  state_ = State::up;
  hops_ = 0;
  up_since_ = wiring_.loop.now();
  if (wiring_.whereabouts.has_sentinels()) {
    review_.start_periodic(wiring_.options.sentinel_interval);
  }
  events_.on_up();
}

// --- Commands -----------------------------------------------------------------------------------

void Link::call(std::string_view command, Answered done, Duration patience) {
  SLUICE_ASSERT(is_up(), "a command was given to a link that is not up");
  send(command, std::move(done), patience);
}

void Link::send(std::string_view command, Answered done, Duration patience) {
  const Duration timeout =
      state_ == State::greeting ? wiring_.options.connect_timeout : wiring_.options.answer_timeout;
  pending_.push_back({std::move(done), wiring_.loop.now() + timeout + patience, patience});
  if (!watch_.is_running()) watch_.start_periodic(kWatch);
  line_->send(command);
}

void Link::on_reply(Reply reply) {
  if (pending_.empty()) {
    return lost(reply.is_error() ? reply.text() : "it answers what was not asked");
  }
  const Answered done = std::move(pending_.front().done);
  pending_.pop_front();
  if (!pending_.empty()) {
    Pending& next = pending_.front();
    next.due =
        std::max(next.due, wiring_.loop.now() + wiring_.options.answer_timeout + next.patience);
  }
  if (reply.is_error()) led_to_ = moved_to(reply.text(), place_);
  if (led_to_) wiring_.whereabouts.moved(place_, *led_to_);
  done(std::move(reply));
  if (led_to_) lost({});
}

void Link::look_at_time() {
  if (pending_.empty()) return watch_.stop();
  if (wiring_.loop.now() < pending_.front().due) return;
  is_doubted_ = true;
  lost("it does not answer");
}

/// An old master does not know yet that it is none, and takes what nobody will have. Sentinels that
/// are away do not matter for as long as Redis is there.
void Link::look_at_master() {
  wiring_.whereabouts.find([this, self = self_](const Result<Place>& found) {
    if (*self == nullptr || !is_up() || !found || *found == place_) return;
    lost(fmt::format("the sentinels name another master, {}", found->text()));
  });
}

void Link::cut(std::string_view why) {
  if (state_ >= State::greeting) lost(why);
}

/// `why` may be a part of what ends here.
void Link::lost(std::string_view why, Errc code) {
  const std::string reason = reason_of(why);
  const bool was_up = state_ == State::up;
  const bool is_hop = led_to_ && !was_up && hops_++ < kHops;
  const bool is_doubtful = line_ != nullptr && !was_up && !is_hop && !is_on_its_way(why);
  if (is_doubtful) wiring_.whereabouts.doubt(led_to_.value_or(place_));
  line_.reset();
  led_to_.reset();
  state_ = State::waiting;
  watch_.stop();
  review_.stop();
  // One that was silent from its first command on was never of use.
  const Duration of_use = wiring_.options.backoff_max + wiring_.options.answer_timeout;
  if (was_up && wiring_.loop.now() - up_since_ >= of_use) backoff_ = wiring_.options.backoff;
  if (is_hop) {
    again_.start(Duration(0));
  } else {
    hops_ = 0;
    again_.start(jitter(backoff_ / 2, backoff_));
    backoff_ = std::min(backoff_ * 2, wiring_.options.backoff_max);
  }
  for (const Pending& one : std::exchange(pending_, {})) {
    one.done(fail(std::exchange(code, Errc::io), reason));
  }
  if (!is_hop) events_.on_down(reason);
}

std::string Link::reason_of(std::string_view why) const {
  if (led_to_ && hops_ >= kHops) {
    return fmt::format(
        "the nodes of the cluster lead from one to the other, the last to {}: see redis-cli "
        "--cluster check",
        led_to_->text());
  }
  if (led_to_) return fmt::format("its slot of the cluster is at {} now", led_to_->text());
  std::string text = explain_refusal(why);
  const bool is_named = line_ == nullptr || place_.text() == wiring_.whereabouts.name();
  return is_named ? text : fmt::format("{}: {}", place_.text(), text);
}

}  // namespace sluice::redis
