#include "gateway/server/reload.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/server/config_changes.h"

namespace sluice::server {
namespace {

/// A route that was put in front makes others of all behind it.
constexpr std::size_t kMostLines = 20;

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// Without a file there is no place.
std::string text_of(const Fault& fault) {
  return fault.file.empty() ? fault.message : to_string(fault);
}

std::string place_of(const Fault& fault) {
  return fmt::format("{}:{}:{}", fault.file, fault.line, fault.column);
}

}  // namespace

Reload::Reload(net::Loop& loop, Shared& shared, const Workers& workers, Certificates& certificates)
    : shared_(shared),
      workers_(workers),
      certificates_(certificates),
      running_(shared.config),
      look_(loop, [this] { look(); }) {}

void Reload::start() {
  watch();
}

ReloadReport Reload::run() {
  if (running_.file.empty()) {
    return {ReloadReport::Kind::conflict,
            "there is no configuration file: sluice serve --config FILE\n"};
  }
  if (shared_.is_draining.load(std::memory_order_relaxed)) {
    log::warning("a drain has begun: nothing is reloaded");
    return {ReloadReport::Kind::conflict, "a drain has begun\n"};
  }
  auto read = load_again(running_.file);
  if (!read) return fail(read.error());
  for (const Fault& warning : read->warnings) log::warning("{}", to_string(warning));
  ConfigChanges changes = compare(running_, std::move(*read));
  return take(std::move(changes.merged), changes.taken, changes.kept);
}

/// The configuration stays as it was read: it may be half-edited while a certificate is renewed.
void Reload::look() {
  if (!files_.look() || shared_.is_draining.load(std::memory_order_relaxed)) return;
  log::info("files of [tls] have changed");
  Config next = running_;
  if (const auto faults = read_tls_files(next); !faults.empty()) {
    fail(faults);
    return;
  }
  take(std::move(next), {}, {});
}

ReloadReport Reload::fail(const std::vector<Fault>& faults) {
  counters_.failed.add();
  std::string text;
  for (const Fault& fault : faults) {
    log::error("{}; the running configuration stays", text_of(fault));
    text += text_of(fault) + '\n';
  }
  return {ReloadReport::Kind::faulty, text + "the running configuration stays\n"};
}

ReloadReport Reload::take(Config next, const std::vector<std::string>& taken,
                          const std::vector<Fault>& kept) {
  auto contexts = certificates_.make(next);
  if (!contexts) return fail({{next.file, 1, 1, contexts.error().what}});
  apply(std::move(next), *contexts);
  counters_.done.add();
  counters_.last.set(seconds_of(shared_.clock.wall()));

  std::string text = fmt::format("reloaded; {}\n", describe());
  if (!taken.empty()) text += fmt::format("changed: {}\n", fmt::join(taken, ", "));
  log::info("reloaded; {}{}{}", describe(),
            taken.empty() ? "" : "; changed: ", fmt::join(taken, ", "));
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i == kMostLines) {
      text += fmt::format("and {} more that need a restart\n", kept.size() - i);
      log::warning("and {} more that need a restart", kept.size() - i);
      break;
    }
    const std::string line = fmt::format(
        "{}: {} has changed, which a reload does not take over: restart, or upgrade "
        "by SIGUSR2",
        place_of(kept[i]), kept[i].message);
    text += line + '\n';
    log::warning("{}", line);
  }
  return {ReloadReport::Kind::done, std::move(text)};
}

void Reload::apply(Config next, const TlsContexts& contexts) {
  log::set_level(next.log_level);
  shared_.publishers.keys().replace(auth::KeyRing::kFixed, next.access.publisher_keys);
  shared_.subscribers.keys().replace(auth::KeyRing::kFixed, next.access.subscriber_keys);
  shared_.certified.replace(next.access.publisher_certificates);
  for (std::size_t i = 0; i < next.relay.access.size(); ++i) {
    if (auth::Verifier* own = shared_.routes->own_verifier(i)) {
      own->keys().replace(auth::KeyRing::kFixed, next.relay.access[i].keys);
    }
  }
  shared_.max_streams.store(next.limits.streams, std::memory_order_relaxed);
  shared_.max_streams_per_connection.store(next.limits.streams_per_connection,
                                           std::memory_order_relaxed);
  shared_.drain_options = next.drain;
  certificates_.use(next, contexts);
  for (const auto& worker : workers_) {
    worker->post([&worker = *worker, contexts, retry = next.retry] {
      worker.use_contexts(contexts);
      worker.use_retry(retry);
    });
  }
  running_ = std::move(next);
  watch();
}

void Reload::watch() {
  files_.watch(running_.tls_files.stamps);
  const Millis interval = files_.is_idle() ? Millis(0) : running_.tls.watch;
  if (interval == interval_) return;
  interval_ = interval;
  interval > Millis(0) ? look_.start_periodic(interval) : look_.stop();
}

/// "2 certificates (a.example until …)": so that the log says which is in use.
std::string Reload::describe() const {
  std::string text =
      fmt::format("{} keys for publishers, {} for subscribers",
                  running_.access.publisher_keys.size(), running_.access.subscriber_keys.size());
  for (const Certificates::Expiry& each : certificates_.expiries()) {
    text += fmt::format("; {} ({}) until {}", each.file, each.name, date_of(each.at));
  }
  return text;
}

}  // namespace sluice::server
