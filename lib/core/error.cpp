#include <coax/error.hpp>

namespace coax {
namespace {

class category final : public boost::system::error_category {
 public:
  category() noexcept : error_category(0x636f6178'77656273ULL) {}

  const char* name() const noexcept override { return "coax"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::canceled: return "the context was stopped";
      case errc::deadline_exceeded: return "the deadline of the context has passed";
      case errc::canceled_sent: return "the context was stopped while the message was leaving; it will be sent whole";
      case errc::deadline_exceeded_sent:
        return "the deadline has passed while the message was leaving; it will be sent whole";
      case errc::closed: return "the connection has ended";
      case errc::concurrent_read: return "another read of this connection is in progress";
      case errc::message_too_big: return "a message exceeds the read limit";
      case errc::protocol_error: return "the peer broke the WebSocket protocol";
      case errc::invalid_utf8: return "a text is not valid UTF-8";
      case errc::corrupt_data: return "a compressed message cannot be inflated";
      case errc::unexpected_data: return "a data message arrived after close_read";
      case errc::peer_timeout: return "the peer gave no sign of life within the keepalive time";
      case errc::write_stalled: return "the peer took no byte within the write stall timeout";
      case errc::slow_consumer: return "the queue of a slow consumer is full";
      case errc::handshake_failed: return "the WebSocket handshake failed";
      case errc::handshake_timeout: return "the WebSocket handshake took too long";
      case errc::bad_url: return "the URL cannot be dialled";
      case errc::bad_request: return "malformed HTTP message";
      case errc::header_too_large: return "the HTTP head exceeds its limits";
      case errc::body_too_large: return "the HTTP body exceeds its limit";
      case errc::shut_down: return "the io_context is being destroyed";
      case errc::invalid_data: return "a message does not hold what it should";
      case errc::proxy_failed: return "the proxy did not let us through";
      case errc::broker_unavailable: return "the broker cannot be reached, or has no room";
      case errc::publication_in_doubt: return "the broker was lost before it said whether the message is stored";
      case errc::would_block: return "a member of the topic has no room";
      case errc::hub_full: return "a limit of the hub is reached";
      case errc::draining: return "the hub drains";
    }
    return "unknown error of coax";
  }

  boost::system::error_condition default_error_condition(int value) const noexcept override {
    namespace e = boost::system::errc;
    switch (static_cast<errc>(value)) {
      case errc::canceled:
      case errc::canceled_sent:
      case errc::shut_down: return e::make_error_condition(e::operation_canceled);
      case errc::deadline_exceeded:
      case errc::deadline_exceeded_sent:
      case errc::peer_timeout:
      case errc::write_stalled:
      case errc::handshake_timeout: return e::make_error_condition(e::timed_out);
      case errc::closed: return e::make_error_condition(e::not_connected);
      case errc::concurrent_read: return e::make_error_condition(e::operation_in_progress);
      case errc::message_too_big:
      case errc::header_too_large:
      case errc::body_too_large: return e::make_error_condition(e::message_size);
      case errc::protocol_error:
      case errc::unexpected_data:
      case errc::handshake_failed:
      case errc::bad_request: return e::make_error_condition(e::protocol_error);
      case errc::invalid_utf8: return e::make_error_condition(e::illegal_byte_sequence);
      case errc::slow_consumer:
      case errc::hub_full: return e::make_error_condition(e::no_buffer_space);
      case errc::would_block: return e::make_error_condition(e::operation_would_block);
      case errc::draining: return e::make_error_condition(e::not_connected);
      case errc::corrupt_data:
      case errc::invalid_data: return e::make_error_condition(e::bad_message);
      case errc::proxy_failed: return e::make_error_condition(e::host_unreachable);
      case errc::bad_url: return e::make_error_condition(e::invalid_argument);
      case errc::broker_unavailable: return e::make_error_condition(e::resource_unavailable_try_again);
      case errc::publication_in_doubt: return e::make_error_condition(e::connection_aborted);
    }
    return {value, *this};
  }
};

std::string close_text(status code, const std::string& reason, bool clean, const error_code& cause) {
  std::string text = code == status::abnormal ? "the connection ended without a close frame"
                                              : "closed with " + std::to_string(static_cast<unsigned>(code));
  if (const auto name = to_string(code); code != status::abnormal && !name.empty())
    text.append(" (").append(name) += ')';
  if (!reason.empty()) text.append(": ") += reason;
  if (!clean && cause) text.append("; ") += cause.message();
  return text;
}

}  // namespace

const boost::system::error_category& coax_category() noexcept {
  static const category instance;
  return instance;
}

error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), coax_category()}; }

// Built from value and category alone: a code that carries a source location prints 300 characters of template names.
system_error::system_error(error_code ec) : boost::system::system_error(error_code(ec.value(), ec.category())) {}
system_error::system_error(error_code ec, std::string_view what)
    : boost::system::system_error(error_code(ec.value(), ec.category()), std::string(what)) {}

close_error::close_error(coax::status status, std::string reason, bool clean, error_code cause)
    : system_error(errc::closed, close_text(status, reason, clean, cause)),
      status_(status),
      reason_(std::move(reason)),
      clean_(clean),
      cause_(cause) {}

std::string_view to_string(status code) noexcept {
  switch (code) {
    case status::normal: return "normal";
    case status::going_away: return "going away";
    case status::protocol_error: return "protocol error";
    case status::unsupported_data: return "unsupported data";
    case status::no_status: return "no status";
    case status::abnormal: return "abnormal";
    case status::invalid_data: return "invalid data";
    case status::policy_violation: return "policy violation";
    case status::message_too_big: return "message too big";
    case status::mandatory_extension: return "mandatory extension";
    case status::internal_error: return "internal error";
    case status::service_restart: return "service restart";
    case status::try_again_later: return "try again later";
    case status::bad_gateway: return "bad gateway";
  }
  return {};
}

}  // namespace coax
