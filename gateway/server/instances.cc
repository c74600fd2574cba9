#include "gateway/server/instances.h"

#include <chrono>
#include <utility>

#include "gateway/server/worker.h"

namespace sluice::server {

void Instances::join() {
  journal::Roster* const roster = shared_.journal.roster();
  if (roster == nullptr) return;
  journal::Roster::Duties duties;
  if (shared_.presence) shared_.presence->join(*roster, duties);
  duties.on_revoked = [this](const std::string& subject, WallTime at) { revoke_here(subject, at); };
  duties.revoked = [this] { return shared_.subjects.revocations(); };
  roster->serve(std::move(duties));
}

void Instances::revoke(const std::string& subject) {
  // As fine as the others are told.
  const auto now = std::chrono::floor<Millis>(shared_.clock.wall());
  if (journal::Roster* const roster = shared_.journal.roster()) roster->revoke(subject, now);
  revoke_here(subject, now);
}

void Instances::revoke_here(const std::string& subject, WallTime at) {
  if (!shared_.subjects.revoke(subject, at)) return;
  for (const auto& worker : workers_) {
    worker->post([&worker = *worker, subject] { worker.end_streams_of(subject); });
  }
}

}  // namespace sluice::server
