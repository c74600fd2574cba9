#include "gateway/relay/memory.h"

#include "gateway/h1/client_session.h"
#include "gateway/relay/byte_queue.h"
#include "gateway/relay/passage.h"
#include "gateway/relay/reader_stream.h"

namespace sluice::relay {
namespace {

/// Events of some hundred streams come and go with every turn.
constexpr std::size_t kPagesOfPieces = 64;

}  // namespace

Memory::Memory()
    : passages(sizeof(Passage)),
      readers(sizeof(ReaderStream)),
      openings(sizeof(Opening)),
      pending_calls(UpstreamCall::pending_size()),
      h1_sessions(sizeof(h1::ClientSession)),
      pieces(ByteQueue::kPiece, kPagesOfPieces) {}

void Memory::tidy() {
  pieces.tidy();
  h2.tidy();
}

}  // namespace sluice::relay
