#include "gateway/redis/opening.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gateway/redis/refusal.h"
#include "gateway/redis/script.h"
#include "gateway/redis/whereabouts.h"

namespace sluice::redis {
namespace {

class Opening final : public Link::Events {
 public:
  Opening(const Wiring& wiring, const Options& options)
      : wiring_(wiring), options_(options), link_(wiring, "sluice-opening", *this) {}

  Result<Opened> run() {
    net::Loop& loop = wiring_.loop;
    const TimePoint until = loop.clock().now() + options_.start_timeout;
    net::Timer tick(loop, [] {});  // So that the loop looks at the time.
    tick.start_periodic(Millis(50));
    link_.start();
    while (!opened_ && loop.clock().now() < until) {
      loop.turn(true);
      wiring_.connections.flush();
    }
    if (opened_) return std::move(*opened_);
    return fail(Errc::io, fmt::format("Redis at {} cannot be used: {}{}",
                                      wiring_.whereabouts.name(), trouble_, advice()));
  }

 private:
  /// What was wrong last stays so until there is an answer.
  void on_up() override {
    const journal::Retention& kept = options_.retention;
    link_.call(
        Words{"EVAL", kScript, "1", wiring_.key, "open", std::to_string(kept.events),
              std::to_string(kept.bytes), std::to_string(kept.age.count()),
              std::to_string(options_.repeats.window.count()),
              std::to_string(options_.repeats.keys), std::to_string(options_.link.answer_bytes / 4)}
            .command(),
        [this](const auto& answer) { on_answer(answer); });
  }
  void on_down(std::string_view why) override { trouble_ = why; }

  /// What Redis itself says speaks for itself.
  [[nodiscard]] std::string advice() const {
    const bool has_sentinels = wiring_.whereabouts.has_sentinels();
    const auto is_about = [&](std::string_view what) {
      return trouble_.find(what) != trouble_.npos;
    };
    if (has_answered_) return "";
    if (is_about("certificate") || is_about("hostname")) {
      return "; history.ca_file says whom to trust, history.server_name what its certificate is "
             "for";
    }
    const std::string where =
        has_sentinels ? "are history.sentinels and history.master right?" : "is history.url right?";
    if (wiring_.tls != nullptr && is_about("TLS")) {
      return fmt::format("; does it speak TLS there ({} is without), and {}",
                         has_sentinels ? "history.tls = false" : "redis://", where);
    }
    if (wiring_.tls == nullptr && is_about("the connection broke")) {
      return fmt::format("; does it want TLS there ({}), and {}",
                         has_sentinels ? "history.tls = true" : "rediss://", where);
    }
    return fmt::format("; is it there, and {}", where);
  }

  void on_answer(const Result<Reply>& answer) {
    if (!answer) return;
    has_answered_ = true;
    if (answer->is_error() || answer->size() < 5) {
      return link_.cut(read_refusal(answer->text()).what);
    }
    const auto number = [&](std::size_t i) {
      return static_cast<std::uint64_t>((*answer)[i].integer().value_or(0));
    };
    seen_ = Opened{.epoch = std::string((*answer)[0].text()),
                   .last = sse::Position(number(1)),
                   .mark = number(2),
                   .first = sse::Position(number(3)),
                   .eviction = {}};
    link_.call(Words{"CONFIG", "GET", "maxmemory-policy"}.command(),
               [this](const auto& policy) { on_policy(policy); });
  }

  /// Who may not ask for it hears nothing of it.
  void on_policy(const Result<Reply>& answer) {
    if (!answer) return;
    seen_.eviction = (*answer)[1].text();
    opened_ = std::move(seen_);
  }

  const Wiring& wiring_;
  const Options& options_;
  std::string trouble_ = "it does not answer";
  bool has_answered_ = false;
  Opened seen_;
  std::optional<Opened> opened_;
  Link link_;
};

}  // namespace

Result<Opened> open_history(const Wiring& wiring, const Options& options) {
  return Opening(wiring, options).run();
}

std::optional<std::string> warning_of_eviction(std::string_view policy) {
  if (!policy.starts_with("allkeys-")) return std::nullopt;
  return fmt::format(
      "Redis has maxmemory-policy {}: when its memory is full it throws away history without a "
      "word. Set maxmemory-policy noeviction; publishers are then told that nothing is kept",
      policy);
}

}  // namespace sluice::redis
