/// The heads of our answers.
#pragma once

#include <coax/response.hpp>

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

namespace coax::http {

/// How the body of an answer ends.
enum class framing : unsigned char {
  none,    ///< There is none: 204, 304.
  length,  ///< After the number of bytes that the head names.
  chunked,
  until_end  ///< With the connection: chunks that an HTTP/1.0 client cannot take.
};

struct answer_frame {
  framing how = framing::length;
  std::uint64_t length = 0;
  bool keep_alive = true;
  unsigned request_version = 11;
};

/// Whether an answer with that status has no body whatever its fields say (RFC 9110 section 6.4.1).
constexpr bool bodiless(unsigned status) noexcept { return status < 200 || status == 204 || status == 304; }

/// Status line and fields with the empty line. The fields in `r` that frame the answer give way to `f`. `more` goes
/// behind the fields of `r`.
std::string make_head(const response& r, const answer_frame& f, const headers& more = {});

/// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string format_date(std::time_t at);
/// The time that such a text, in its preferred form, names (RFC 9110 section 5.6.7).
std::optional<std::time_t> parse_date(std::string_view text);

}  // namespace coax::http
