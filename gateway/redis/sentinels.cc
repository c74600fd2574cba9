#include "gateway/redis/sentinels.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"

namespace sluice::redis {
namespace {

constexpr std::size_t kRefusal = 200;  // Of what a server says, so much is repeated.

}  // namespace

Sentinels::Sentinels(const Wiring& wiring, std::vector<Place> places, Counter& moves)
    : wiring_(wiring),
      places_(std::move(places)),
      moves_(moves),
      patience_(wiring.loop, [this] { next("it does not answer"); }) {}

void Sentinels::find(Found found) {
  waiting_.push_back(std::move(found));
  if (waiting_.size() > 1) return;
  tries_ = 0;
  reasons_.clear();
  if (!is_open_) return ask();
  patience_.start(wiring_.options.sentinel_timeout);
  send_question();
}

/// Several links may have tried what one answer named.
void Sentinels::doubt(const Place& named) {
  if (named != named_ || !waiting_.empty() || std::exchange(is_doubted_, true)) return;
  first_ = (first_ + 1) % places_.size();
  hang_up();
}

void Sentinels::stop() {
  waiting_.clear();
  hang_up();
}

void Sentinels::hang_up() {
  line_.reset();
  is_open_ = false;
  patience_.stop();
}

const Place& Sentinels::asked() const {
  return places_[(first_ + tries_) % places_.size()];
}

// --- Asking one ---------------------------------------------------------------------------------

void Sentinels::ask() {
  line_ = std::make_unique<Line>(wiring_, asked(), tries_, static_cast<Line::Events&>(*this));
  patience_.start(wiring_.options.sentinel_timeout);
}

void Sentinels::on_open() {
  const LinkOptions& options = wiring_.options;
  is_login_ = !options.sentinel_password.empty();
  if (is_login_) {
    Words words{"AUTH"};
    if (!options.sentinel_user.empty()) words.add(options.sentinel_user);
    words.add(options.sentinel_password);
    line_->send(words.command());
  }
  send_question();
}

void Sentinels::send_question() {
  const std::string& master = wiring_.options.master;
  line_->send(Words{"SENTINEL", "get-master-addr-by-name", master}.command());
}

void Sentinels::on_reply(Reply reply) {
  if (waiting_.empty()) return hang_up();  // Nobody asked.
  if (reply.is_error()) return next(explain(reply.text().substr(0, kRefusal)));
  if (std::exchange(is_login_, false)) return;
  if (reply.is_nil()) {
    return next(
        fmt::format("it knows no master \"{}\": history.master has to be a name that "
                    "`redis-cli -p {} SENTINEL MASTERS` shows",
                    wiring_.options.master, asked().port));
  }
  if (reply.size() != 2) return next("it does not answer as a sentinel does");
  const std::int64_t port = reply[1].integer().value_or(0);
  if (reply[0].text().empty() || port < 1 || port > 65'535) {
    return next("it names a master without an address");
  }
  found({std::string(reply[0].text()), static_cast<std::uint16_t>(port)});
}

void Sentinels::on_closed(std::string_view why, Errc /*code*/) {
  waiting_.empty() ? hang_up() : next(why);
}

std::string Sentinels::explain(std::string_view refusal) const {
  if (refusal.starts_with("ERR unknown command")) {
    return "it is no sentinel: history.sentinels names sentinels (port 26379), and not the servers "
           "that they watch";
  }
  const bool is_login = is_login_ || refusal.starts_with("NOAUTH") || refusal.starts_with("NOPERM");
  if (!is_login) return std::string(refusal);
  return fmt::format(
      "it refuses the login ({}): see history.sentinel_user, history.sentinel_password_file and "
      "the sentinel's ACL",
      refusal);
}

/// `why` may be a part of what ends here.
void Sentinels::next(std::string_view why) {
  reasons_ += fmt::format("{}{}: {}", reasons_.empty() ? "" : "; ", asked().text(), why);
  hang_up();
  ++tries_;
  if (tries_ < places_.size()) return ask();
  answer(fail(Errc::io, fmt::format("no sentinel names the master \"{}\" ({})",
                                    wiring_.options.master, reasons_)));
}

// --- The answer ---------------------------------------------------------------------------------

void Sentinels::found(Place master) {
  if (master != named_) {
    log::info("Redis: the sentinel at {} names {} as the master \"{}\"", asked().text(),
              master.text(), wiring_.options.master);
    if (named_.port != 0) moves_.add();
  }
  named_ = master;
  is_doubted_ = false;
  first_ = (first_ + tries_) % places_.size();
  tries_ = 0;
  is_open_ = true;
  patience_.stop();
  answer(std::move(master));
}

void Sentinels::answer(const Result<Place>& answer) {
  for (const Found& one : std::exchange(waiting_, {})) one(answer);
}

}  // namespace sluice::redis
