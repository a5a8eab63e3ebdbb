/// Checks that what a server sends is the messages of the traffic in their order, in one frame or several each.
#pragma once

#include "traffic.hpp"

#include <zlib.h>

#include <memory>

namespace bench {

class echo_checker {
 public:
  /// `keeps_window`: the server compresses with context takeover.
  echo_checker(const traffic& t, bool keeps_window);

  /// Returns how many messages these bytes complete. @throws std::runtime_error they are not the echo.
  std::size_t consume(std::string_view bytes);

 private:
  void take_header(unsigned char c);
  std::size_t finish_frame();
  void take_payload(std::string_view piece);
  void compare(std::string_view piece);
  void inflate(std::string_view piece);
  std::size_t finish_message();

  const std::string& expected() const { return traffic_.messages[next_]; }

  const traffic& traffic_;
  const bool keeps_window_;
  std::size_t next_ = 0;    // message
  std::size_t at_ = 0;      // in that
  std::uint64_t left_ = 0;  // of the payload of this frame
  unsigned header_size_ = 0;
  unsigned header_end_ = 0;
  bool continued_ = false;  // the message has begun in an earlier frame
  bool final_ = false;
  bool compressed_ = false;
  bool in_payload_ = false;
  std::unique_ptr<z_stream, int (*)(z_stream*)> window_{nullptr, inflateEnd};
};

}  // namespace bench
