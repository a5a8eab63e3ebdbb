/// @file
/// JSON messages, by Boost.JSON. Belongs to the CMake target `coax::json`.
///
///     // With tag_invoke for value_to and value_from, or described.
///     struct order { std::string symbol; double amount; };
///
///     while (auto o = co_await coax::next_json<order>(c, ctx)) co_await coax::write_json(c, confirm(*o), ctx);
#pragma once

#include <coax/codec.hpp>
#include <coax/detail/export.hpp>

#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace coax {

/// JSON (RFC 8259) in text messages. Takes binary messages as well if they hold it; the text must be UTF-8 then, too.
/// The size of a text is bounded by `conn_options::read_limit`; a value takes some ten times the memory of the
/// tersest text that describes it.
class COAX_EXPORT json_codec {
 public:
  json_codec() = default;

  /// How deep arrays and objects may be nested in what is read, default 32.
  json_codec& max_depth(std::size_t levels) { return max_depth_ = levels, *this; }

  /// The value as terse text.
  message encode(const boost::json::value& v) const;
  /// Anything that `boost::json::value_from` takes.
  template <class T>
  message encode(const T& v) const {
    return encode(static_cast<const boost::json::value&>(boost::json::value_from(v)));
  }

  /// A `boost::json::value`, or what `boost::json::value_to` makes.
  /// @throws std::exception  text that is not JSON, with the place; a value that is not a `T`.
  template <class T>
  T decode(const message& m) const {
    if constexpr (std::is_same_v<T, boost::json::value>) {
      return parse(m.text());
    } else {
      const auto v = parse(m.text());
      try {
        return boost::json::value_to<T>(v);
      } catch (const boost::system::system_error& e) {
        refuse_value(e.code(), m.text());
      }
    }
  }

 private:
  boost::json::value parse(std::string_view text) const;
  [[noreturn]] static void refuse_value(const error_code& ec, std::string_view text);

  std::size_t max_depth_ = 32;
};

/// Reads a message that must be JSON and makes a `T` of it. If it is not, or is no `T`, the connection is closed with
/// 1007 and the text of the error, which tells where.
/// @throws system_error  `errc::invalid_data`; otherwise as `conn::read`.
template <class T = boost::json::value>
task<T> read_json(conn& c, context ctx = {}) {
  return read_as<T>(c, json_codec(), std::move(ctx));
}

/// As `read_json`, but nothing after a clean close with 1000 or 1001: `while (auto v = co_await next_json<T>(c))`.
template <class T = boost::json::value>
task<std::optional<T>> next_json(conn& c, context ctx = {}) {
  return next_as<T>(c, json_codec(), std::move(ctx));
}

/// Writes `value` as a text message; it need only live through the call.
/// @throws as `conn::write`.
template <class T>
task<> write_json(conn& c, const T& value, context ctx = {}) {
  return write_as(c, value, json_codec(), std::move(ctx));
}

}  // namespace coax
