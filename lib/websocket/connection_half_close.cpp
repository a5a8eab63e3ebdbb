#include "websocket/connection.hpp"

#include <boost/asio/error.hpp>

#include <string_view>
#include <utility>

namespace coax::detail {
namespace {

// RFC 6455 5.5.1 has the answer to a close frame sent "as soon as practical". Who sends this reason says that he is
// still reading, and for the one who understands it, practical is when all has been written. Others answer at once.
constexpr std::string_view reason_of_half_close = "half-close";

}  // namespace

void connection::half_close() {
  if (ended_ || outbox_.close_requested()) return;
  half_sent_ = true;
  info_.initiator = peer_ended_ ? close_initiator::remote : close_initiator::local;
  info_.status = status::normal;
  info_.reason = reason_of_half_close;
  outbox_.half_close(status::normal, reason_of_half_close);
  output_changed();
  if (!read_waiting_) post_turn();
}

// Whether the peer's close frame ends its direction alone. It may also cross ours, behind which there is still
// something to be sent.
bool connection::on_peer_half_close() {
  const bool says_so = assembler_.close_status() == status::normal && assembler_.close_reason() == reason_of_half_close;
  if (!half_closes_ || !says_so || peer_ended_ || outbox_.close_left()) return false;
  if (outbox_.close_requested() && !half_sent_) return false;
  peer_ended_ = true;
  if (reader_) wake(*std::exchange(reader_, nullptr));
  // From here on the input tells of pongs, and of the end.
  if (!read_waiting_) post_turn();
  return true;
}

error_code connection::read_end() const noexcept {
  return ended_ ? end_code_ : make_error_code(asio::error::misc_errors::eof);
}

// Both directions have ended, and our close frame has left.
void connection::answer_half_close() {
  close_info info = info_;
  info.clean = true;
  end(std::move(info), errc::closed);
  linger();
}

}  // namespace coax::detail
