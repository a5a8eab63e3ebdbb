#include "http/session.hpp"

#include "core/clock.hpp"
#include "core/exception_text.hpp"
#include "http/proxied.hpp"
#include "io/tls_transport.hpp"

#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

namespace coax::http {

using detail::exchange_state;
using phase = exchange_state::phase;

namespace {

constexpr std::chrono::seconds linger_time{2};

std::string join(const std::vector<std::string>& list) {
  std::string all;
  for (const auto& item : list) all.append(all.empty() ? "" : ", ").append(item);
  return all;
}

bool is_code(std::exception_ptr error, std::initializer_list<errc> codes) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    for (const auto code : codes)
      if (e.code() == make_error_code(code)) return true;
  } catch (...) {
  }
  return false;
}

// There are proxies that take the connection for a tunnel from this request on, whatever the answer. What comes behind
// an answer that made no WebSocket would be requests that they have not looked at.
bool asks_for_websocket(const request& r) { return protocol::has_token(r.fields, "Upgrade", "websocket"); }

}  // namespace

session::session(std::shared_ptr<site> s, std::shared_ptr<transport> t)
    : site_(std::move(s)), transport_(std::move(t)), accepted_(detail::now()), crowded_out_(site_->crowded()) {}

session::~session() = default;

task<> session::run() {
  const auto self = shared_from_this();
  const bool secured = co_await secure();
  if (!secured) co_return;
  for (bool first = true, go_on = true; go_on; first = false) {
    auto next = co_await read_head(first);
    if (!next) break;
    go_on = co_await serve(*std::move(next));
  }
  if (wire_) co_await wire_->shutdown(linger_time);
  // The connection is this coroutine's as long as it is anybody's.
  if (successor_) co_await successor_->wait_until_finished({});
}

// False: whoever it is may not come in.
task<bool> session::meet_proxy(context ctx) {
  auto told = co_await read_proxied(std::move(transport_), site_->options, std::move(ctx));
  if (!told) {
    const auto& why = told.error();
    if (why == errc::bad_request || why == errc::deadline_exceeded) ++site_->refused_proxies;
    site_->log(log_level::debug, "a connection without the PROXY header that it must have: " + why.message());
    co_return false;
  }
  transport_ = *std::move(told);
  co_return true;
}

task<bool> session::secure() {
  const auto limited = stopping().with_deadline(detail::after(accepted_, site_->options.head_timeout()));
  if (site_->options.proxy_protocol() != proxy_protocol::off) {
    const bool let_in = co_await meet_proxy(limited);
    if (!let_in) co_return false;
  }
  if (const auto& tls = site_->options.tls()) {
    auto secured = co_await detail::tls_accept(std::move(transport_), *tls, limited);
    if (!secured) {
      site_->log(log_level::debug, "TLS handshake failed: " + secured.error().message());
      co_return false;
    }
    transport_ = *std::move(secured);
  }
  wire_ = wire::create(std::move(transport_), site_->options.write_stall_timeout(), stop_);
  if (aborted_) wire_->cut();
  co_return true;
}

task<std::optional<session::incoming>> session::read_head(bool first) {
  head_scanner scanner(site_->limits());
  const auto& options = site_->options;
  bool begun = !wire_->input().empty();
  auto due = detail::after(first ? accepted_ : detail::now(),
                           first || begun ? options.head_timeout() : options.idle_timeout());
  for (;;) {
    const auto verdict = scanner.scan(wire_->input());
    if (verdict == head_scanner::verdict::complete) co_return co_await take_head(scanner);
    if (verdict == head_scanner::verdict::refused) {
      co_await refuse(scanner.why());
      co_return std::nullopt;
    }
    const auto limited = stopping().with_deadline(due);
    const error_code ec = co_await wire_->fill(limited);
    if (ec == errc::deadline_exceeded && (first || begun))
      co_await refuse(refusal(408, "the request head has not come in time"));
    if (ec) co_return std::nullopt;
    if (!begun && !first) due = detail::after(detail::now(), options.head_timeout());
    begun = true;
  }
}

task<std::optional<session::incoming>> session::take_head(const head_scanner& scanner) {
  incoming in;
  const auto bytes = wire_->input().substr(scanner.begin(), scanner.end() - scanner.begin());
  in.head = std::make_unique<request>(bytes);
  wire_->consume(scanner.end());
  auto wrong = in.parser.parse_head(*in.head);
  if (!wrong) co_return std::move(in);
  headers fields;
  // RFC 6455 section 4.4: any 400 tells a WebSocket client the version.
  if (wrong->status == 400 && protocol::has_token(in.head->fields, "Upgrade", "websocket"))
    fields.add("Sec-WebSocket-Version", "13");
  co_await refuse(*std::move(wrong), std::move(fields));
  co_return std::nullopt;
}

// An answer to what is no request: behind it nothing can be understood any more.
task<> session::refuse(refusal why, headers fields) {
  answer_frame frame;
  auto answer = text_answer(why.status, why.text);
  for (const auto& field : fields) answer.header(field.name, field.value);
  frame.length = answer.body().size();
  frame.keep_alive = false;
  const auto head = make_head(answer, frame);
  const context never;
  const error_code ec = co_await wire_->write(head, answer.body(), never);
  if (ec) wire_->cut();
}

// What only the answer needs is kept out of the frame of this coroutine, which a WebSocket has for as long as it lives.
task<bool> session::serve(incoming in) {
  exchange x(begin(std::move(in)));
  auto& s = x.state();
  struct current_guard {
    explicit current_guard(exchange_state*& p, exchange_state* now) : at(p) { at = now; }
    ~current_guard() { at = nullptr; }
    exchange_state*& at;
  };
  const current_guard guard(current_, &s);

  const bool understood = find_target(s);
  if (!understood) {
    co_await refuse_target();
    co_return false;
  }
  ++site_->requests;
  std::exception_ptr error;  // what has gone wrong, if anything has
  try {
    const bool admitted = admit(x);
    const auto* const handler = admitted ? find_handler(s) : nullptr;
    if (handler) {
      wire_->watch();
      const auto ctx = stopping();
      co_await (*handler)(x, ctx);
    } else {
      co_await answer_by_itself(s, admitted);
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (wire_) wire_->unwatch();
  co_return co_await settle(x, error);
}

std::unique_ptr<exchange_state> session::begin(incoming in) {
  auto state = std::make_unique<exchange_state>(wire_, std::move(in.head));
  auto& s = *state;
  s.parser = std::move(in.parser);
  s.limits.bytes = site_->options.max_body();
  s.limits.timeout = site_->options.body_timeout();
  s.on_upgrade = [this](const std::shared_ptr<detail::successor>& next, std::optional<stream_slot> slot) {
    adopt(next, std::move(slot));
  };
  s.site = site_.get();
  if (draining_ || asks_for_websocket(s.request())) s.end_after_answer();
  return state;
}

bool session::find_target(exchange_state& s) {
  auto target = parse_target(s.request().target);
  if (!target) return false;
  s.target = *std::move(target);
  return true;
}

task<> session::refuse_target() { return refuse(refusal(400, "a malformed request target")); }

bool session::admit(exchange& x) {
  const bool admitted = site_->admit(x, crowded_out_) != admission::refuse;
  if (!admitted) x.state().end_after_answer();
  return admitted;
}

// Of the route that takes the request; null if none does.
const request_handler* session::find_handler(exchange_state& s) {
  auto match = site_->routes.match(s.request().method, s.target.segments);
  if (!match.found || s.target.asterisk) return nullptr;
  s.route = match.found;
  s.params = std::move(match.values);
  return &match.found->handler;
}

// For who gets no handler.
task<> session::answer_by_itself(exchange_state& x, bool admitted) {
  return x.respond(admitted ? answer_unrouted(x) : site_->busy(), context());
}

response session::answer_unrouted(const exchange_state& x) const {
  const bool options = x.request().method == "OPTIONS";
  const auto allowed =
      x.target.asterisk ? site_->routes.methods() : site_->routes.match(x.request().method, x.target.segments).allowed;
  if (x.target.asterisk && !options) return text_answer(400, "a malformed request target");
  if (options && (x.target.asterisk || !allowed.empty()))
    return response(204).header("Allow", join(allowed) + (allowed.empty() ? "OPTIONS" : ", OPTIONS"));
  if (!allowed.empty()) return text_answer(405, "method not allowed").header("Allow", join(allowed) + ", OPTIONS");
  return text_answer(404, "not found");
}

// Whether the next request may follow.
task<bool> session::settle(exchange& x, std::exception_ptr error) {
  auto& s = x.state();
  if (error) report(s, error);
  if (s.at() == phase::upgraded) co_return false;
  const context never;
  std::exception_ptr failed;
  try {
    if (s.at() == phase::open) co_await answer_for(s, error);
    if (s.at() == phase::streaming && !error) co_await s.finish(never);
  } catch (...) {
    failed = std::current_exception();
  }
  if (failed || s.at() != phase::done) {
    wire_->cut();
    co_return false;
  }
  if (!s.keep_alive() || draining_) co_return false;
  const auto limited = stopping().with_timeout(site_->options.body_timeout());
  co_return co_await s.skip_body(limited);
}

// The answer of the server for a handler that has given none.
task<> session::answer_for(exchange_state& x, std::exception_ptr error) {
  const context never;
  response answer = text_answer(500, "internal server error");
  if (error && x.refused())
    answer = text_answer(x.refused()->status, x.refused()->text);
  else if (error && stop_.stop_requested() && is_code(error, {errc::canceled}))
    answer = text_answer(503, draining_ ? "the server is going down" : "canceled");
  if (!error)
    site_->log(log_level::error, protocol::printable(x.request().target) + ": the handler has given no answer");
  x.end_after_answer();
  co_await x.respond(std::move(answer), never);
}

// What a handler lets through is worth a line, except that its client has gone or was refused.
void session::report(const exchange_state& x, std::exception_ptr error) {
  const bool ended = stop_.stop_requested() || x.client_gone() || x.refused().has_value();
  const bool expected = ended || is_code(error, {errc::closed, errc::handshake_failed, errc::handshake_timeout});
  const auto& r = x.request();
  site_->log(expected ? log_level::debug : log_level::error,
             std::string(r.method) + ' ' + protocol::printable(r.target) + ": " + detail::text_of(error));
}

void session::adopt(const std::shared_ptr<detail::successor>& s, std::optional<stream_slot> slot) {
  successor_ = s;
  slot_ = std::move(slot);
  wire_.reset();
  successor_ended_.emplace(s->done(), forward{this});
  if (draining_) s->go_away();
}

void session::drain() {
  draining_ = true;
  const auto self = shared_from_this();
  if (current_) current_->end_after_answer();
  if (successor_) successor_->go_away();
  stop_.request_stop();
}

void session::abort() {
  aborted_ = true;
  const auto self = shared_from_this();
  stop_.request_stop();
  if (wire_) wire_->cut();
  if (successor_) successor_->end_now();
  cancel_.emit(asio::cancellation_type::terminal);
}

}  // namespace coax::http
