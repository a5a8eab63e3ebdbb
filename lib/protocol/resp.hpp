/// The Redis serialization protocol, versions 2 and 3: replies as they come, and commands.
#pragma once

#include "protocol/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coax::protocol {

enum class resp_kind : unsigned char {
  null,
  text,   ///< Simple, bulk and verbatim strings (without the format of the last), and big numbers.
  error,  ///< Simple and bulk errors.
  integer,
  real,
  boolean,
  array,  ///< Arrays and sets.
  map,    ///< Keys and values in turn, as the array that RESP2 sends in its place.
  push    ///< Out of band: never a reply to a command.
};

/// What a parser knows of a value: where its text is, or how many elements follow it.
struct resp_node {
  resp_kind kind{};
  std::uint32_t next = 0;   ///< Index of what comes behind the value and all in it.
  std::int64_t number = 0;  ///< Integers, booleans; of aggregates the number of elements.
  std::size_t offset = 0;   ///< Of the text.
  std::size_t size = 0;
};

/// A value inside a parser: three words, copied freely, valid until the parser goes on.
///
/// Reads leniently: what is of another kind reads as empty, so that a malformed reply needs no special case.
class resp_value {
 public:
  class iterator;

  /// Null.
  resp_value() noexcept;
  resp_value(const resp_node* nodes, std::size_t index, const char* bytes) noexcept
      : nodes_(nodes), bytes_(bytes), index_(index) {}

  resp_kind kind() const noexcept { return node().kind; }
  bool is_null() const noexcept { return kind() == resp_kind::null; }
  bool is_error() const noexcept { return kind() == resp_kind::error; }
  bool is_text() const noexcept { return kind() == resp_kind::text; }
  bool is_integer() const noexcept { return kind() == resp_kind::integer; }
  bool is_aggregate() const noexcept { return kind() >= resp_kind::array; }

  /// Of text, errors and reals as they came.
  std::string_view text() const noexcept { return {bytes_ + node().offset, node().size}; }
  /// The first word of an error: "NOSCRIPT", "MOVED"; else empty.
  std::string_view error_word() const noexcept;
  /// Of an integer, a boolean (0 or 1), or text that is a decimal number (RESP2, and what scripts return).
  std::optional<std::int64_t> integer() const noexcept;

  /// Of aggregates; the elements of a map are its keys and values.
  std::size_t size() const noexcept { return is_aggregate() ? static_cast<std::size_t>(node().number) : 0; }
  iterator begin() const noexcept;
  iterator end() const noexcept;
  /// Element `i`, counted from the first one; null if there is none.
  resp_value operator[](std::size_t i) const noexcept;
  /// The value for a key of a map, or of an array that is one in RESP2; null if there is none.
  resp_value at(std::string_view key) const noexcept;

 private:
  const resp_node& node() const noexcept { return nodes_[index_]; }

  const resp_node* nodes_;
  const char* bytes_;
  std::size_t index_;
};

class resp_value::iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = resp_value;
  using difference_type = std::ptrdiff_t;
  using pointer = const resp_value*;
  using reference = resp_value;

  iterator() noexcept = default;
  explicit iterator(const resp_value& at) noexcept : at_(at) {}

  resp_value operator*() const noexcept { return at_; }
  iterator& operator++() noexcept { return at_.index_ = at_.node().next, *this; }
  iterator operator++(int) noexcept {
    const auto before = *this;
    return ++*this, before;
  }
  bool operator==(const iterator& other) const noexcept { return at_.index_ == other.at_.index_; }

 private:
  resp_value at_;
};

inline resp_value::iterator resp_value::begin() const noexcept {
  return iterator(resp_value(nodes_, index_ + 1, bytes_));
}
inline resp_value::iterator resp_value::end() const noexcept {
  return iterator(resp_value(nodes_, is_aggregate() ? node().next : index_ + 1, bytes_));
}

/// What a peer may make a parser hold.
struct resp_limits {
  std::size_t depth = 16;
  std::size_t elements = 1 << 20;  ///< Of one value, all that is nested in it included.
  std::size_t text = 64 << 20;     ///< One string.
  std::size_t value = 256 << 20;   ///< One value with all that is in it, as bytes on the wire.
};

/// Takes bytes in any pieces and gives values one at a time. Attributes are skipped; streamed strings and aggregates,
/// which no server sends, are a breach of the protocol.
///
///     auto room = parser.prepare(4096);  parser.commit(read_some(room));
///     while (const auto v = parser.next()) use(*v);       // until the next call
class resp_parser {
 public:
  resp_parser() noexcept = default;
  explicit resp_parser(const resp_limits& limits) noexcept : limits_(limits) {}

  /// Room behind what has arrived, at least `least` bytes (not 0). Ends the life of values.
  std::span<char> prepare(std::size_t least);
  /// `n` bytes of that room have arrived.
  void commit(std::size_t n) noexcept { end_ += n; }
  void append(std::string_view bytes);

  /// The next value that is whole; none if it has not arrived yet, and for ever after a breach (`error`). The value
  /// before ends.
  std::optional<resp_value> next();
  /// The breach of the protocol, after which nothing more is read.
  const std::optional<failure>& error() const noexcept { return error_; }

  /// How many bytes are still needed of the string that is arriving; 0 if not known.
  std::size_t wanted() const noexcept { return wanted_; }
  /// Whether nothing is held of a value that is not whole.
  bool idle() const noexcept { return (whole_ ? at_ : begin_) == end_; }

 private:
  // What belongs to the value behind it, and is of use to nobody.
  static constexpr resp_kind attribute{0x7f};

  struct level {
    std::size_t node;  // the aggregate
    std::size_t left;  // elements still to come
  };

  void release();
  std::optional<std::string_view> line();
  bool step();
  bool string(resp_kind kind, std::string_view size, std::size_t skip, std::size_t after);
  bool open(resp_kind kind, std::string_view count, std::size_t per_element, std::size_t after);
  bool leaf(resp_node node, std::size_t offset, std::size_t after);
  void count_element();
  void close_levels();
  bool breach(std::string_view why);

  resp_limits limits_;
  std::vector<char> bytes_;
  std::size_t begin_ = 0;    // of the value that is being read
  std::size_t at_ = 0;       // up to here it has been read
  std::size_t scanned_ = 0;  // up to here there is no end of the line
  std::size_t end_ = 0;      // of what has arrived
  std::vector<resp_node> nodes_;
  std::vector<level> levels_;
  std::size_t announced_ = 0;  // elements that are still to come, over all levels
  std::size_t wanted_ = 0;
  bool whole_ = false;
  std::optional<failure> error_;
};

/// Appends an argument of a command: "$3\r\nfoo\r\n".
void append_bulk(std::string& to, std::string_view argument);
/// Appends what begins a command: "*2\r\n".
void append_array_head(std::string& to, std::size_t arguments);

}  // namespace coax::protocol
