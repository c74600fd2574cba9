#include "gateway/server/certificates.h"

#include <chrono>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "gateway/base/log.h"

namespace sluice::server {
namespace {

/// Between two looks at how long certificates last.
constexpr std::chrono::hours kLook{1};
constexpr std::chrono::hours kDay{24};

}  // namespace

std::string date_of(WallTime time) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

Certificates::Certificates(net::Loop& loop, const Clock& clock)
    : clock_(clock),
      rotate_(loop, [this] { ticket_keys_->rotate(); }),
      look_(loop, [this] { warn_of_expiry(); }) {}

Result<TlsContexts> Certificates::make(const Config& config) const {
  TlsContexts contexts;
  for (const Listen& listen : config.listens) {
    if (!listen.tls) {
      contexts.push_back(nullptr);
      continue;
    }
    auto made = tls::Context::create({.certificates = config.tls_files.certificates,
                                      .http2 = listen.http2,
                                      .tickets = config.tls.tickets,
                                      .ticket_keys = ticket_keys_,
                                      .client_certificates = listen.client_certificates,
                                      .client_ca = config.tls_files.client_ca});
    if (!made) return tl::unexpected(made.error());
    contexts.push_back(std::move(*made));
  }
  return contexts;
}

void Certificates::use(const Config& config, TlsContexts contexts) {
  const TlsFiles& files = config.tls_files;
  if (files.ticket_keys.empty()) {
    ticket_keys_->use_random();
  } else {
    ticket_keys_->use(files.ticket_keys);
  }
  // One that runs goes on: reloads that come more often than rotations must not put those off.
  if (rotation_ != config.tls.ticket_rotation) {
    rotation_ = config.tls.ticket_rotation;
    rotate_.start_periodic(rotation_);
  }
  std::vector<Expiry> expiries;
  for (const auto& certificate : files.certificates) {
    const auto& names = certificate->names();
    expiries.push_back({.file = certificate->files().certificate,
                        .name = names.empty() ? std::string() : names.front(),
                        .at = certificate->expires()});
  }
  {
    const std::scoped_lock lock(mutex_);
    contexts_ = std::move(contexts);
    expiries_ = std::move(expiries);
  }
  warning_ = config.tls.expiry_warning;
  if (!look_.is_running()) look_.start_periodic(kLook);
  warn_of_expiry();
}

TlsContexts Certificates::contexts() const {
  const std::scoped_lock lock(mutex_);
  return contexts_;
}

std::vector<Certificates::Expiry> Certificates::expiries() const {
  const std::scoped_lock lock(mutex_);
  return expiries_;
}

/// Of one that has expired, too: a log that is looked at once a day must have it.
void Certificates::warn_of_expiry() {
  if (warning_ == Millis(0)) return;
  const WallTime now = clock_.wall();
  for (const Expiry& each : expiries()) {
    if (each.at > now + warning_) {
      warned_.erase(each.file);
      continue;
    }
    const auto last = warned_.find(each.file);
    if (last != warned_.end() && now < last->second + kDay) continue;
    warned_[each.file] = now;
    const auto days = std::chrono::duration_cast<std::chrono::hours>(each.at - now).count() / 24;
    if (each.at <= now) {
      log::warning("the certificate in {} ({}) has expired on {}: clients refuse it; renew it",
                   each.file, each.name, date_of(each.at));
    } else {
      log::warning("the certificate in {} ({}) expires on {}, in {} days: renew it", each.file,
                   each.name, date_of(each.at), days);
    }
  }
}

}  // namespace sluice::server
