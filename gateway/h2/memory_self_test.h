/// The self-test of memory.h: whether this nghttp2 uses memory as we know it.
///
/// Thread  any. Errors  none: what cannot be tried does not pass.
#pragma once

#include <cstddef>

namespace sluice::h2 {

/// Servers' and clients' sessions take one frame buffer and two indexes of these sizes while they
/// are made, the encoder's first; the encoder's is never touched, and nothing stands in the frame
/// buffer between two calls that send but the connection preface of a client that was just made.
[[nodiscard]] bool nghttp2_keeps_to(std::size_t frame_buffer, std::size_t encoder_index);

}  // namespace sluice::h2
