/// Compressed payloads as strings.
#pragma once

#include "protocol/deflater.hpp"
#include "protocol/inflater.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace coax::protocol::test {

inline std::span<const std::byte> as_bytes(std::string_view s) { return std::as_bytes(std::span(s)); }

/// The message whose payload comes in `pieces`, taken out in steps of at most `room` bytes; or "corrupt: why".
inline std::string inflate_pieces(inflater& i, const std::vector<std::string>& pieces, std::size_t room = 4096) {
  std::string out;
  std::vector<std::byte> step_room(room);
  const auto take = [&](const inflater::step& s) {
    out.append(reinterpret_cast<const char*>(step_room.data()), s.produced);
    return s.now;
  };
  for (const auto& piece : pieces) {
    auto rest = as_bytes(piece);
    for (;;) {
      const auto s = i.add(rest, step_room);
      rest = rest.subspan(s.consumed);
      const auto now = take(s);
      if (now == inflater::state::corrupt) return std::string("corrupt: ") + i.error();
      if (now == inflater::state::wants_input) break;
    }
  }
  for (;;) {
    const auto now = take(i.finish(step_room));
    if (now == inflater::state::corrupt) return std::string("corrupt: ") + i.error();
    if (now == inflater::state::wants_input) return out;
  }
}

inline std::string inflate(inflater& i, const std::string& payload, std::size_t room = 4096) {
  return inflate_pieces(i, std::vector{payload}, room);
}

inline std::string deflate_pieces(deflater& d, const std::vector<std::string>& pieces) {
  std::vector<boost::asio::const_buffer> list;
  for (const auto& p : pieces) list.push_back(boost::asio::buffer(p));
  coax::detail::storage out;
  d.message(list, out);
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

inline std::string deflate(deflater& d, const std::string& message) { return deflate_pieces(d, std::vector{message}); }

/// Text with much that repeats, near and far.
inline std::string prose(std::size_t size, unsigned seed = 1) {
  static constexpr const char* words[] = {
      "{\"price\":", "\"symbol\"", "market", "order ", "quantity", "12345", ",", "}", "the quick brown fox", "\n"};
  std::mt19937 random(seed);
  std::string s;
  while (s.size() < size) {
    s += words[random() % std::size(words)];
    if (random() % 4 == 0) s += static_cast<char>('a' + random() % 26);
  }
  s.resize(size);
  return s;
}

/// What no compressor makes smaller.
inline std::string noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string s(size, '\0');
  std::ranges::generate(s, [&] { return static_cast<char>(random()); });
  return s;
}

}  // namespace coax::protocol::test
