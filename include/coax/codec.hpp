/// @file
/// Values of your own types as messages.
///
///     struct csv_codec {  // coax::json_codec is the first of its kind, docs/json.md has one for Protobuf
///       coax::message encode(const tick& t) const { return {coax::message_kind::text, to_csv(t)}; }
///       template <class T>
///       T decode(const coax::message& m) const { return from_csv(m.text()); }  // what it throws closes with 1007
///     };
///
///     while (auto t = co_await coax::next_as<tick>(c, csv_codec())) co_await coax::write_as(c, *t, csv_codec());
#pragma once

#include <coax/conn.hpp>
#include <coax/detail/export.hpp>

#include <concepts>
#include <exception>
#include <new>
#include <optional>

namespace coax {

/// How values of `T` travel: `encode` makes a message of one, and with it chooses text or binary; `decode<T>` makes a
/// value of a message, and throws a `std::exception` for one that holds none.
template <class Codec, class T>
concept codec_for = requires(const Codec& codec, const T& value, const message& m) {
  { codec.encode(value) } -> std::same_as<message>;
  { codec.template decode<T>(m) } -> std::same_as<T>;
};

namespace detail {

/// Closes with 1007, `why` being the reason as far as it fits, and throws.
[[noreturn]] COAX_EXPORT void refuse_message(conn& c, std::string_view why);

template <class T, class Codec>
T decode_or_refuse(conn& c, const Codec& codec, const message& m) {
  try {
    return codec.template decode<T>(m);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    refuse_message(c, e.what());
  }
}

COAX_EXPORT task<> write_message(conn& c, message m, context ctx);

}  // namespace detail

/// Reads a message and decodes it. One that the codec refuses closes the connection with 1007; the peer is told the
/// text of the codec's exception.
/// @throws system_error  `errc::invalid_data` for such a message, with that text; otherwise as `conn::read`.
template <class T, codec_for<T> Codec>
task<T> read_as(conn& c, Codec codec, context ctx = {}) {
  const message m = co_await c.read(std::move(ctx));
  co_return detail::decode_or_refuse<T>(c, codec, m);
}

/// As `read_as`, but nothing after a clean close with 1000 or 1001: `while (auto v = co_await next_as<T>(c, codec))`.
template <class T, codec_for<T> Codec>
task<std::optional<T>> next_as(conn& c, Codec codec, context ctx = {}) {
  const auto m = co_await c.next(std::move(ctx));
  if (!m) co_return std::nullopt;
  co_return detail::decode_or_refuse<T>(c, codec, *m);
}

/// Encodes `value`, within the call, and writes it as one message. What `encode` throws is thrown here, and nothing
/// was sent.
/// @throws as `conn::write`.
template <class T, codec_for<T> Codec>
task<> write_as(conn& c, const T& value, const Codec& codec, context ctx = {}) {
  return detail::write_message(c, codec.encode(value), std::move(ctx));
}

}  // namespace coax
