#include "gateway/server/certified.h"

#include <algorithm>
#include <utility>

namespace sluice::server {

void Certified::replace(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  auto sorted = std::make_shared<const Names>(std::move(names));
  const std::scoped_lock lock(mutex_);
  names_ = std::move(sorted);
}

std::optional<std::string> Certified::find(const PeerCertificate& certificate) const {
  const auto names = [this] {
    const std::scoped_lock lock(mutex_);
    return names_;
  }();
  const auto is_named = [&](const std::string& name) {
    return std::binary_search(names->begin(), names->end(), name);
  };
  for (const auto* kind : {&certificate.dns, &certificate.uris, &certificate.emails}) {
    const auto found = std::find_if(kind->begin(), kind->end(), is_named);
    if (found != kind->end()) return *found;
  }
  if (!certificate.subject.empty() && is_named(certificate.subject)) return certificate.subject;
  return std::nullopt;
}

}  // namespace sluice::server
