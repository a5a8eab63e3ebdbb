#include "adapters/byte_stream_core.hpp"
#include "protocol/utf8.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>

namespace coax::detail {

// A message to send, made of the caller's bytes.
struct byte_stream_core::outgoing_message {
  std::array<asio::const_buffer, stream_pieces::most + 1> pieces;
  std::size_t count = 0;
  std::size_t size = 0;
  std::size_t taken = 0;  // of the caller's bytes, those that are kept for the next message included
  char rest[4] = {};      // the beginning of a character whose end has not been written yet
  std::size_t rest_size = 0;

  std::span<const asio::const_buffer> list() const noexcept { return std::span(pieces).first(count); }
  void add(asio::const_buffer b) {
    pieces[count++] = b;
    size += b.size();
  }
  unsigned char from_end(std::size_t i) const noexcept {
    auto piece = count - 1;
    for (; i >= pieces[piece].size(); --piece) i -= pieces[piece].size();
    return static_cast<const unsigned char*>(pieces[piece].data())[pieces[piece].size() - 1 - i];
  }
  void drop(std::size_t n) noexcept {
    size -= n;
    for (; n != 0; --count) {
      auto& last = pieces[count - 1];
      const auto part = std::min(n, last.size());
      last = asio::buffer(last, last.size() - part);
      n -= part;
      if (last.size() != 0) return;
    }
  }
};

namespace {

// Bytes at the end of the message that begin a character and do not end it; `bytes` are those, in their order.
std::size_t unfinished(const auto& message, char* bytes) noexcept {
  for (std::size_t i = 0; i != 3 && i != message.size; ++i) {
    const unsigned char byte = message.from_end(i);
    if ((byte & 0xc0) == 0x80) continue;
    const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length <= i + 1) return 0;
    for (std::size_t k = 0; k <= i; ++k) bytes[k] = static_cast<char>(message.from_end(i - k));
    return i + 1;
  }
  return 0;
}

}  // namespace

void byte_stream_core::start_write(const stream_pieces& from, stream_operation_ptr op) {
  start(write_, std::move(op), [from](byte_stream_core& core) { core.begin_write(from); });
}

void byte_stream_core::begin_write(const stream_pieces& from) {
  if (from.count == 0) return complete(write_, {}, 0);
  outgoing_message m;
  if (begun_size_ != 0) m.add(asio::buffer(begun_, begun_size_));
  for (std::size_t i = 0; i != from.count && m.size != max_message_; ++i) {
    const asio::const_buffer piece = asio::buffer(from.list[i], max_message_ - m.size);
    m.add(piece);
    m.taken += piece.size();
  }
  error_code ec = kind_ == message_kind::text ? cut_text(m) : error_code();
  const auto op = protocol::opcode_of(kind_);
  if (ec || m.size == 0 || connection_->send(op, m.list(), m.size, compression::automatic, ec))
    return has_written(m, ec);
  wait_for(write_, [core = self(), m, op]() -> task<> { return core->write(m, op); });
}

// A text message ends with a whole character: what has been written of the next one waits for its rest.
error_code byte_stream_core::cut_text(outgoing_message& m) {
  m.rest_size = unfinished(m, m.rest);
  m.drop(m.rest_size);
  protocol::utf8_validator text;
  for (const auto& piece : m.list())
    if (!text.push({static_cast<const std::byte*>(piece.data()), piece.size()})) return errc::invalid_utf8;
  const bool whole = text.complete();
  const bool may_go_on = text.push({reinterpret_cast<const std::byte*>(m.rest), m.rest_size});
  return whole && may_go_on ? error_code() : make_error_code(errc::invalid_utf8);
}

void byte_stream_core::has_written(const outgoing_message& m, error_code ec) {
  // What leaves cannot be taken back: the write has been done, whatever its caller wanted meanwhile.
  if (was_sent(ec)) ec = {};
  if (ec) return complete(write_, ec == errc::closed ? end_of(errc::closed) : ec, 0);
  std::copy_n(m.rest, m.rest_size, begun_);
  begun_size_ = m.rest_size;
  complete(write_, {}, m.taken);
}

task<> byte_stream_core::write(outgoing_message m, protocol::opcode op) {
  const context ctx(write_.stop.get_token());
  const outgoing what(op, m.list(), m.size);
  const error_code ec = co_await connection_->send_queued(what, ctx);
  has_written(m, ec);
}

}  // namespace coax::detail
