#include "http/foreign_exchange.hpp"
#include "protocol/event_block.hpp"
#include "protocol/negotiation.hpp"
#include "sse/cors.hpp"
#include "sse/event_connection.hpp"

#include <stdexcept>

namespace coax::sse {

using coax::detail::event_connection;
using coax::detail::exchange_state;
using phase = exchange_state::phase;

namespace {

task<> refuse(exchange& x, unsigned status, std::string why, context ctx) {
  auto answer = http::text_answer(status, why);
  return x.state().refuse(std::move(answer), std::move(why), std::move(ctx));
}

response head_for(const stream_options& options, bool gzip) {
  response head(200);
  head.content_type(protocol::event_stream_type);
  if (gzip) head.header("Content-Encoding", "gzip");
  if (options.gzip()) head.header("Vary", "Accept-Encoding");
  head.header("X-Accel-Buffering", "no");
  for (const auto& field : options.headers()) head.header(field.name, field.value);
  if (!options.headers().contains("Cache-Control")) head.header("Cache-Control", "no-cache");
  return head;
}

task<> answer_options(exchange& x, const cors_request& cors, context ctx) {
  response answer(204);
  answer.header("Allow", "GET, HEAD, POST, OPTIONS");
  cors.answer_preflight(answer);
  return x.state().refuse(std::move(answer), "answered an OPTIONS request", std::move(ctx));
}

task<> answer_head(exchange& x, response head, context ctx) {
  handshake_error error("answered a HEAD request", 200, head.headers());
  co_await x.start(std::move(head), ctx);
  co_await x.finish(ctx);
  throw error;
}

// Of what the header and the query say, the header is newer: the browser keeps it up.
std::string last_event_id(const exchange& x) {
  if (const auto header = x.header("Last-Event-ID"); !header.empty()) return std::string(header);
  return x.query("lastEventId").value_or(std::string());
}

// A body that nobody has read would be taken for what the client has to say behind its request.
task<bool> without_body(exchange_state& s, context ctx) {
  if (!s.body_pending()) co_return true;
  co_return co_await s.skip_body(ctx);
}

}  // namespace

task<event_stream> accept(exchange& x, stream_options options, context ctx) {
  auto& s = x.state();
  if (s.at() != phase::open) throw std::logic_error("coax::sse::accept: the exchange has an answer already");
  const auto& fields = s.request().fields;
  const cors_request cors(fields, options.cors());
  if (cors.refused()) co_await refuse(x, 403, "pages of this origin may not read the stream", ctx);
  if (x.method() == "OPTIONS") co_await answer_options(x, cors, ctx);
  if (!protocol::accepts_type(fields, protocol::event_stream_type))
    co_await refuse(x, 406, "there is only text/event-stream", ctx);
  auto id = last_event_id(x);
  if (!protocol::fits_on_line(id)) co_await refuse(x, 400, "CR, LF or NUL in the last event id", ctx);
  const bool gzip = options.gzip() && protocol::accepts_coding(fields, "gzip");
  auto head = head_for(options, gzip);
  cors.answer(head);
  if (x.method() == "HEAD") co_await answer_head(x, head, ctx);
  const bool bare = co_await without_body(s, ctx);
  if (!bare) co_await refuse(x, 400, "a body that nobody has read", ctx);

  if (const auto stopped = ctx.stopped()) throw system_error(stopped, "accept");
  if (auto busy = s.reserve()) {
    std::string why = "the server has all the streams that it takes";
    co_await s.refuse(*std::move(busy), std::move(why), ctx);
  }
  const auto how = s.request().version >= 11 ? http::framing::chunked : http::framing::until_end;
  const error_code ec = co_await s.upgrade(head, how, ctx);
  if (ec) throw system_error(ec, "accept");
  coax::detail::event_settings settings(options, how, std::move(id));
  if (gzip) settings.gzip.emplace();
  std::string dropped;
  auto c = event_connection::create(s.release(dropped), settings);
  s.upgraded(c);
  co_return event_stream(std::move(c));
}

}  // namespace coax::sse

namespace coax::detail {

task<sse::event_stream> accept_foreign(std::shared_ptr<transport> t, foreign_request request,
                                       sse::stream_options options, context ctx) {
  auto taken = [options = std::move(options), ctx = std::move(ctx)](exchange& x) {
    return sse::accept(x, options, ctx);
  };
  return http::answer_foreign<sse::event_stream>(std::move(t), std::move(request), std::move(taken));
}

}  // namespace coax::detail
