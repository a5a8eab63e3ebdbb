/// The state behind `coax::exchange`: a request on a wire, and how far its answer is.
#pragma once

#include "http/forwarded.hpp"
#include "http/request.hpp"
#include "http/response_head.hpp"
#include "http/router.hpp"
#include "http/site.hpp"
#include "http/target.hpp"
#include "http/wire.hpp"
#include "io/successor.hpp"
#include <coax/exchange.hpp>

namespace coax::detail {

/// What the body of a request may cost.
struct body_limits {
  std::size_t bytes = 1024 * 1024;
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
};

class exchange_state {
 public:
  enum class phase : unsigned char {
    open,       ///< No answer yet.
    streaming,  ///< `start` was called.
    done,       ///< The answer has left whole.
    upgraded,   ///< The transport belongs to a WebSocket or a stream of events.
    broken      ///< A part of the answer has left, and no more will: the connection must be cut.
  };

  exchange_state(std::shared_ptr<http::wire> w, std::unique_ptr<http::request> r)
      : wire_(std::move(w)), request_(std::move(r)) {}

  http::request& request() noexcept { return *request_; }
  const http::request& request() const noexcept { return *request_; }
  http::wire& wire() noexcept { return *wire_; }
  phase at() const noexcept { return phase_; }
  /// What the server answers if the handler gives up: the error of its `body()`.
  const std::optional<http::refusal>& refused() const noexcept { return refused_; }
  /// Whether the client was found gone in the middle of reading or answering.
  bool client_gone() const noexcept { return client_gone_; }
  /// Whether the next request may follow on the connection, as far as this exchange is concerned.
  bool keep_alive() const noexcept { return keep_alive_; }
  void end_after_answer() noexcept { keep_alive_ = false; }

  /// Whether there is a body that has not been read whole.
  bool body_pending() const noexcept { return !body_taken_ && !parser.done(); }
  /// Somebody else has parsed the request, with its body.
  void body_is_elsewhere() noexcept { body_taken_ = true; }
  task<std::string> read_body(context ctx);
  /// Whether the body has come, or comes soon: what is left of it is read and dropped.
  task<bool> skip_body(const context& ctx);

  task<> respond(response answer, context ctx);
  /// Answers, and throws a handshake_error that says `why`: what was asked for is not to be had.
  task<> refuse(response answer, std::string why, context ctx);
  task<> start(response head, context ctx);
  task<> send(std::string_view chunk, context ctx);
  task<> finish(context ctx);
  /// An answer with a length but without its body, for HEAD and for what `send` will follow.
  task<> start_with_length(response head, std::uint64_t length, context ctx);

  /// Takes a place for a successor; the answer that refuses it if the server has none left.
  std::optional<response> reserve();
  /// Sends the head of the last answer on this connection: what follows is for a successor to send, framed as `how`
  /// says. Then the transport can be taken; bytes behind the request go into `rest`.
  task<error_code> upgrade(const response& head, http::framing how, const context& ctx);
  std::shared_ptr<transport> release(std::string& rest) { return wire_->release(rest); }
  void upgraded(std::shared_ptr<successor> s);

  /// The transport, wherever it is.
  const transport& lower() const noexcept;
  asio::any_io_executor executor() const { return executor_; }
  /// Whom the request is from.
  http::client_identity client() const;

  /// Whose request it is; null if another server has read it. Its session keeps it.
  http::site* site = nullptr;
  http::target target;
  const http::route* route = nullptr;
  std::vector<std::string> params;
  http::request_parser parser;
  body_limits limits;
  /// Told of what was made of the connection, with the place that it has.
  std::function<void(const std::shared_ptr<successor>&, std::optional<http::stream_slot>)> on_upgrade;

 private:
  class busy;

  bool head_only() const noexcept { return request_->method == "HEAD"; }
  void check_whole() const;
  void check_open() const;
  void check_answer(const response& r) const;
  bool closes(const response& r) const;
  headers own_fields(const response& r) const;
  std::string head_for(const response& r, const http::answer_frame& f) const;
  http::answer_frame frame_for(const response& r, http::framing how, std::uint64_t length);
  task<> begin(const response& r, http::answer_frame frame, std::string_view body, context ctx);
  task<> put(std::string_view head, std::string_view body, context ctx);
  std::size_t decode_body();
  task<error_code> more_input(const context& ctx);
  void note(const error_code& ec) noexcept;
  [[noreturn]] void fail(const error_code& ec, const char* what);
  [[noreturn]] void refuse_body(unsigned status, errc code, const char* text);

  std::shared_ptr<http::wire> wire_;
  std::unique_ptr<http::request> request_;
  asio::any_io_executor executor_ = wire_->executor();
  std::shared_ptr<successor> successor_;
  std::optional<http::stream_slot> slot_;
  std::optional<http::refusal> refused_;
  std::string body_;
  std::uint64_t body_received_ = 0;  // with its chunk headers
  phase phase_ = phase::open;
  http::answer_frame frame_;
  std::uint64_t sent_ = 0;
  bool keep_alive_ = true;
  bool client_gone_ = false;
  bool continued_ = false;
  bool body_taken_ = false;
  bool reading_ = false;
  bool writing_ = false;
};

}  // namespace coax::detail
