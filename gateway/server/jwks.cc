#include "gateway/server/jwks.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/server/client_wire.h"

namespace sluice::server {
namespace {

constexpr Millis kFirstRetry{1'000};
constexpr int kMaxDoublings = 16;

}  // namespace

void JwksSchedule::succeed(TimePoint now, std::optional<Millis> max_age) {
  failures_ = 0;
  const Millis wanted = max_age.value_or(options_.refresh);
  due_ = now + std::clamp(wanted, options_.min_interval, options_.refresh);
}

void JwksSchedule::fail(TimePoint now) {
  const Millis backoff = kFirstRetry * (1 << std::min(failures_++, kMaxDoublings));
  due_ = now + std::min(backoff, std::max(options_.min_interval, kFirstRetry));
}

void JwksSchedule::hurry(TimePoint now) {
  const TimePoint soonest = last_ ? std::max(now, *last_ + options_.min_interval) : now;
  due_ = std::min(due_, soonest);
}

Jwks::Jwks(JwksSource source, JwksOptions options, auth::KeyRing& ring, const Clock& clock,
           JwksFetch fetch)
    : source_(std::move(source)),
      ring_(ring),
      place_(ring.add_source()),
      clock_(clock),
      fetch_(std::move(fetch)),
      schedule_(options, clock.now()) {}

Jwks::~Jwks() {
  stop();
}

void Jwks::start() {
  thread_ = std::thread([this] { run(); });
}

void Jwks::begin_stop() {
  const std::scoped_lock lock(mutex_);
  stopping_.request_stop();
  woken_.notify_all();
}

void Jwks::stop() {
  begin_stop();
  if (thread_.joinable()) thread_.join();
}

bool Jwks::wait_for_first(Millis at_most) {
  std::unique_lock lock(mutex_);
  return woken_.wait_for(lock, at_most, [this] { return has_tried_; });
}

void Jwks::hurry() {
  if (is_hurried_.exchange(true, std::memory_order_relaxed)) return;
  const std::scoped_lock lock(mutex_);  // Or the thread might be about to wait.
  woken_.notify_all();
}

void Jwks::run() {
  for (;;) {
    poll();
    std::unique_lock lock(mutex_);
    has_tried_ = true;
    woken_.notify_all();
    woken_.wait_until(lock, schedule_.due(), [this] {
      return stopping_.stop_requested() || is_hurried_.load(std::memory_order_relaxed);
    });
    if (stopping_.stop_requested()) return;
  }
}

void Jwks::poll() {
  if (is_hurried_.exchange(false, std::memory_order_relaxed)) schedule_.hurry(clock_.now());
  if (clock_.now() < schedule_.due()) return;
  schedule_.begin(clock_.now());
  fetches_.add();
  const auto answer = fetch_(source_.url, stopping_.get_token()).and_then([this](JwksAnswer&& got) {
    return install(std::move(got));
  });
  if (answer) {
    schedule_.succeed(clock_.now(), answer->max_age);
    return;
  }
  if (stopping_.stop_requested()) return;
  failures_.add();
  schedule_.fail(clock_.now());
  log::warning("keys of {}: {}; {}", source_.url, answer.error().what,
               text_.empty() ? "there are none yet: tokens that need them are refused"
                             : "the old ones stay");
}

Result<JwksAnswer> Jwks::install(JwksAnswer answer) {
  if (answer.text == text_) return answer;
  auto set =
      auth::parse_jwks(answer.text, {.allow_secrets = false, .algorithms = source_.algorithms});
  if (!set) return tl::unexpected(set.error());
  if (set->keys.empty()) {
    return fail(Errc::invalid, fmt::format("none of its {} keys can be used", set->skipped));
  }
  for (auth::Key& key : set->keys) {
    key.issuer = source_.issuer;
    key.audience = source_.audience;
  }
  log::info("keys of {}: {}, and {} that cannot be used", source_.url, set->keys.size(),
            set->skipped);
  keys_.set(static_cast<std::int64_t>(set->keys.size()));
  ring_.replace(place_, std::move(set->keys));
  text_ = answer.text;
  return answer;
}

Result<void> check_jwks_url(const std::string& url) {
  const auto parsed = parse_url(url);
  if (!parsed) return tl::unexpected(parsed.error());
  if (parsed->is_tls || parsed->is_local()) return {};
  return fail(Errc::invalid,
              fmt::format("\"{}\": keys are fetched by https only, but for those on this machine; "
                          "whoever can change them on the way can sign tokens",
                          url));
}

std::optional<Millis> max_age_of(std::string_view cache_control) {
  constexpr std::string_view kName = "max-age=";
  constexpr std::int64_t kMost = 365LL * 24 * 3600;
  const std::size_t at = cache_control.find(kName);
  // Not the end of "s-maxage=" or of another name: directives begin the field, or follow a comma.
  if (at == cache_control.npos) return std::nullopt;
  if (at > 0 && cache_control.find_first_of(", \t", at - 1) != at - 1) return std::nullopt;
  const char* begin = cache_control.data() + at + kName.size();
  const char* end = cache_control.data() + cache_control.size();
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(begin, end, seconds);
  if (parsed.ptr == begin || seconds < 0) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) seconds = kMost;
  return std::chrono::seconds(std::min(seconds, kMost));
}

}  // namespace sluice::server
