/// The messages that the load sends, over and over, as the frames of a client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

enum class payload_kind { binary, text, json };
enum class compressed { off, takeover, no_takeover };

struct traffic_options {
  payload_kind kind = payload_kind::binary;
  std::size_t size = 64;
  std::size_t in_flight = 1;
  compressed compression = compressed::off;
  bool framed = true;  // false: the payload alone, for a server that sends bytes back
};

/// A cycle of messages, of which any run of up to `in_flight` is contiguous.
struct traffic {
  explicit traffic(const traffic_options& options);

  traffic_options what;
  std::vector<std::string> messages;
  std::string frames;             // two cycles behind one another
  std::vector<std::size_t> ends;  // of each frame in `frames`
  std::size_t cycle = 0;          // messages in one

  unsigned opcode() const noexcept { return what.kind == payload_kind::binary ? 2 : 1; }
};

}  // namespace bench
