#include "gateway/server/config_complete.h"

#include <string>

namespace sluice::server {
namespace {

/// A token of Mercure 1.0 must name the hub that it is for (RFC 9068 §4): where nothing else is
/// spoken, keys that do not say otherwise want the hub's URL.
void set_audiences(HubAccess& access) {
  if (access.protocol != Mercure::v1) return;
  const auto set = [&](auto& sources) {
    for (auto& source : sources) {
      if (source.audience.empty()) source.audience = access.public_url;
    }
  };
  set(access.publisher_keys);
  set(access.subscriber_keys);
  set(access.publisher_jwks);
  set(access.subscriber_jwks);
}

}  // namespace

void complete(Config& config, const Places& places, const std::filesystem::path& folder) {
  const auto resolve = [&](std::string& path) {
    if (!path.empty()) path = (folder / path).lexically_normal().string();
  };
  resolve(config.process.pid_file);
  const auto resolve_all = [&](tls::CertificateFiles& files) {
    for (std::string* path : {&files.certificate, &files.key, &files.ocsp}) resolve(*path);
  };
  resolve_all(config.tls.certificate);
  for (tls::CertificateFiles& files : config.tls.certificates) resolve_all(files);
  for (std::string& file : config.tls.ticket_keys) resolve(file);
  resolve(config.tls.client_ca);
  resolve(config.history.file.path);
  resolve(config.history.password_file);
  resolve(config.history.sentinel_password_file);
  resolve(config.history.redis.link.ca_file);
  std::string& access_log = config.access_log.file;
  if (access_log != "stdout" && access_log != "stderr") resolve(access_log);
  for (relay::UpstreamOptions& upstream : config.relay.upstreams) {
    resolve(upstream.ca_file);
    resolve(upstream.certificate_file);
    resolve(upstream.key_file);
  }
  config.h2.retirement.window = config.h1.retirement.window = config.drain.window;
  set_windows(config);
  set_audiences(config.access);
  if (config.hub_use == HubUse::unless_routes) {
    const bool has_hub = !places.contains("route") || places.contains("hub");
    config.hub_use = has_hub ? HubUse::on : HubUse::off;
  }
}

void set_windows(Config& config) {
  const HistoryOptions& history = config.history;
  const bool is_all = history.journal == Journal::memory;
  const journal::Retention& kept = history.file.retention;
  config.hub.history_events = is_all ? kept.events : history.window_events;
  config.hub.history_bytes = is_all ? kept.bytes : history.window_bytes;
  config.hub.history_age = kept.age;
}

}  // namespace sluice::server
