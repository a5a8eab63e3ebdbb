#include "sse/open_events.hpp"

#include "sse/event_request.hpp"
#include "websocket/dial_attempt.hpp"
#include "websocket/dial_connect.hpp"
#include "websocket/dial_reply.hpp"

#include <boost/asio/error.hpp>

namespace coax::sse {
namespace {

using coax::detail::dial_attempt;
using coax::detail::reply_reader;

// What one request has come to.
struct outcome {
  outcome() = default;
  bool redirected = false;
  std::unique_ptr<event_stream_reader> stream;
};

task<> read_head(reply_reader& reply, const event_source_options& options, const context& ctx) {
  bool ended = false;
  try {
    co_await reply.read_head(ctx);
  } catch (const handshake_error&) {
    ended = reply.ended_early();
    if (!ended) throw;
  }
  // For dial an answer that does not come is a handshake that has failed; here it is the network that has.
  if (ended) throw system_error(asio::error::eof, options.who() + ": reading the answer of the server");
}

task<outcome> ask(event_request& request, const event_source_options& options, std::string_view last_event_id,
                  const context& ctx) {
  dial_attempt attempt(co_await coax::detail::connect_to(request.target(), options, ctx));
  const std::string question = request.bytes(last_event_id);
  const asio::const_buffer bytes = asio::buffer(question);
  const error_code ec = co_await attempt.io().write(bytes, ctx);
  if (ec) throw system_error(ec, options.who() + ": sending the request to " + request.target().name());

  reply_reader reply(attempt.io(), options.who());
  co_await read_head(reply, options, ctx);
  const auto fields = reply.head().fields();
  const unsigned status = reply.head().status();
  request.keep_cookies(fields);
  outcome result;
  std::string wrong;
  if (request.follows(status)) {
    // The body of a redirect is for people; the connection ends with it.
    const auto followed = request.follow(status, fields);
    result.redirected = followed.has_value();
    if (!followed) wrong = "answered " + std::to_string(status) + ": " + followed.error().text;
  } else if (status != 204) {
    const auto coding = check_answer(status, fields);
    if (coding) {
      const auto rest = reply.rest();
      std::string first(reinterpret_cast<const char*>(rest.data()), rest.size());
      result.stream = std::make_unique<event_stream_reader>(attempt.succeed(), reply.release(), std::move(first),
                                                            *coding, request.target().http_url());
    } else {
      wrong = coding.error().text;
    }
  }
  if (wrong.empty()) co_return result;
  std::string body;
  if (status != 101) body = co_await reply.read_body(ctx);
  throw handshake_error(options.who() + ": " + request.target().name() + " " + wrong, status,
                        reply.head().copy_fields(), std::move(body));
}

}  // namespace

event_stream_reader::~event_stream_reader() {
  if (!io->shut_down()) io->wake_all(errc::closed);
  if (const auto t = io->release()) t->close();
}

task<std::unique_ptr<event_stream_reader>> open_events(coax::detail::dial_target target,
                                                       const event_source_options& options, std::string last_event_id,
                                                       context ctx) {
  event_request request(std::move(target), options);
  const auto bounded = ctx.with_timeout(options.handshake_timeout());
  try {
    for (;;) {
      outcome o = co_await ask(request, options, last_event_id, bounded);
      if (!o.redirected) co_return std::move(o.stream);
    }
  } catch (const system_error& e) {
    // The deadline is ours: a source has none of its own.
    if (e.code() == errc::deadline_exceeded)
      throw system_error(errc::handshake_timeout, options.who() + ": " + request.target().name());
    throw;
  }
}

}  // namespace coax::sse
