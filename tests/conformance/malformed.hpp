/// The table of malformed input: what a peer sends, and the close status that answers it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coax::test {

enum class length_form : unsigned char { shortest, two_bytes, eight_bytes, top_bit };

/// A frame that need not be right: its first byte, payload, and how its length is written. `announced` counts instead
/// of the payload's size, if it is not zero. `flipped` masks where the role must not, and the other way round.
struct bad_frame {
  bad_frame(unsigned f, std::string_view p) : first(f), payload(p) {}
  bad_frame(unsigned f, std::string_view p, length_form l) : first(f), payload(p), length(l) {}

  bad_frame announcing(std::size_t n) const {
    bad_frame b = *this;
    return b.announced = n, b;
  }
  bad_frame with_flipped_mask() const {
    bad_frame b = *this;
    return b.flipped = true, b;
  }

  unsigned first;
  std::string payload;
  length_form length = length_form::shortest;
  std::size_t announced = 0;
  bool flipped = false;
};

struct malformed {
  malformed(const char* n, unsigned s, std::vector<bad_frame> f) : name(n), status(s), frames(std::move(f)) {}

  /// As a client sends it, masked, or as a server does.
  std::string from_client() const { return bytes(true); }
  std::string from_server() const { return bytes(false); }

  const char* name;
  unsigned status;
  std::vector<bad_frame> frames;

 private:
  std::string bytes(bool masked) const;
};

/// The read limit that the table counts on.
inline constexpr std::size_t malformed_read_limit = 1000;

const std::vector<malformed>& malformed_rows();

}  // namespace coax::test
