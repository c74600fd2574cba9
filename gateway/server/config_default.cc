#include "gateway/server/config.h"

namespace sluice::server {

Config development_default(const State& state) {
  Config config;
  config.listens = {{.address = "localhost:8443"}, {.address = "localhost:8080", .tls = false}};
  config.tls.certificate = {.certificate = state.files.certificate, .key = state.files.key};
  config.access.anonymous = true;
  config.access.publisher_keys = {state.key};
  config.access.subscriber_keys = {state.key};
  config.history.journal = Journal::file;
  config.history.file.path = state.files.directory + "/history";
  // The demo publishes without end: a laptop's disk need not be told of each event.
  config.history.file.sync = journal::Sync::interval;
  config.history.file.sync_interval = Millis(1'000);
  set_windows(config);
  config.drain.delay = Millis(0);
  config.drain.window = Millis(1'000);
  config.demo = {.page = true, .feed = true};
  return config;
}

}  // namespace sluice::server
