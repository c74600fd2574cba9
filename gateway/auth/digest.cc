#include "gateway/auth/digest.h"

#include <cstddef>

#include "gateway/auth/token_cache.h"

namespace sluice::auth {

void Digest::add(std::string_view text) {
  text_ += std::to_string(text.size());
  text_ += ':';
  text_ += text;
}

std::string Digest::finish() const {
  const TokenCache::Digest digest = TokenCache::digest_of(text_);
  return {digest.begin(), digest.end()};
}

}  // namespace sluice::auth
