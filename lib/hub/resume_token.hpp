/// What a resume token says, and its text: a signed token, and behind it *marks* that the client has added. No I/O and
/// no clock.
#pragma once

#include <coax/log_entry.hpp>
#include <coax/position.hpp>
#include <coax/resume_options.hpp>
#include <coax/resumption.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace coax::detail {

/// Up to where somebody has got a topic.
struct place {
  std::string topic;
  position at;
};

/// Who was where.
struct resume_claim {
  std::string user;
  std::int64_t expires = 0;     // in seconds of Unix time
  std::vector<origin> origins;  // the peers that it was, on whatever nodes, the last one first
  std::vector<place> places;
};

/// A claim for a client to keep.
struct resume_token {
  std::string text;
  std::vector<std::string> topics;  // that it names
};

/// Names the places that fit, the first ones first.
resume_token sign(const resume_claim& claim, const resume_options& options);

/// That the bearer has got the entry of that offset and tag as well. It is not signed: whoever makes one up can only
/// claim to have got more than was sent, and misses it.
std::string mark_of(std::string_view topic, std::uint64_t offset, std::uint64_t tag);

/// Reads `token[.mark]...`; the places are those of the token, moved on by the marks.
resume_refusal read_resume(std::string_view text, const signing_keys& keys, std::string_view user, std::int64_t now,
                           resume_claim& out);

}  // namespace coax::detail
