#include "http/exchange_state.hpp"

#include "core/parse_number.hpp"
#include <coax/handshake_error.hpp>

#include <boost/asio/error.hpp>

#include <charconv>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace coax::detail {

using http::answer_frame;
using http::framing;

/// One operation at a time in each direction.
class exchange_state::busy {
 public:
  busy(bool& flag, const char* what) : flag_(flag) {
    if (flag) throw std::logic_error(std::string("coax::exchange: ") + what + " is in progress already");
    flag = true;
  }
  busy(const busy&) = delete;
  busy& operator=(const busy&) = delete;
  ~busy() { flag_ = false; }

 private:
  bool& flag_;
};

namespace {

constexpr std::size_t longest_chunk_header = 16 * 1024;

void require(bool condition, const char* otherwise) {
  if (!condition) throw std::logic_error(std::string("coax::exchange: ") + otherwise);
}

std::optional<std::uint64_t> announced_length(const response& r) {
  const auto text = r.headers().find("Content-Length");
  if (!text) return std::nullopt;
  const auto n = parse_number<std::uint64_t>(*text);
  if (!n) throw std::invalid_argument("coax::exchange: Content-Length is not a number");
  return n;
}

}  // namespace

void exchange_state::refuse_body(unsigned status, errc code, const char* text) {
  refused_ = http::refusal(status, text);
  keep_alive_ = false;
  throw system_error(code, text);
}

// Errors of our own category are about time and contexts, others about the connection.
void exchange_state::note(const error_code& ec) noexcept {
  if (ec && (ec.category() != coax_category() || ec == errc::write_stalled || ec == errc::closed)) client_gone_ = true;
}

void exchange_state::fail(const error_code& ec, const char* what) {
  note(ec);
  throw system_error(ec, what);
}

// A client that waits for "100 Continue" gets it when the body is wanted, and not before.
task<error_code> exchange_state::more_input(const context& ctx) {
  const bool waits = request_->version >= 11 && protocol::has_token(request_->fields, "Expect", "100-continue");
  if (waits && !continued_ && phase_ == phase::open && wire_->input().empty()) {
    continued_ = true;
    const error_code ec = co_await wire_->write("HTTP/1.1 100 Continue\r\n\r\n", {}, ctx);
    if (ec) co_return ec;
  }
  co_return co_await wire_->fill(ctx);
}

// Decodes what has arrived; how much that was.
std::size_t exchange_state::decode_body() {
  const auto p = parser.decode(wire_->input(), body_);
  wire_->consume(p.used);
  body_received_ += p.used;
  if (p.malformed) refuse_body(400, errc::bad_request, "a malformed chunk in the request body");
  // Even one byte a chunk is no more than six times the body; extensions of chunks could be without end.
  const auto most = 8 * std::uint64_t{limits.bytes} + longest_chunk_header;
  if (body_.size() > limits.bytes || body_received_ > most)
    refuse_body(413, errc::body_too_large, "the request body is too large");
  if (p.used == 0 && wire_->input().size() > longest_chunk_header)
    refuse_body(400, errc::bad_request, "a chunk header or trailer in the request body is too long");
  return p.used;
}

task<std::string> exchange_state::read_body(context ctx) {
  require(phase_ != phase::upgraded, "the connection has been handed on");
  require(!body_taken_, "the body was read already");
  const busy guard(reading_, "a read of the body");
  const auto length = parser.body().length;
  if (length && *length > limits.bytes) refuse_body(413, errc::body_too_large, "the request body is too large");
  const auto limited = ctx.with_timeout(limits.timeout);
  while (!parser.done()) {
    const auto used = decode_body();
    if (parser.done()) break;
    if (used != 0 && !wire_->input().empty()) continue;
    const error_code ec = co_await more_input(limited);
    if (!ec) continue;
    if (ec == errc::deadline_exceeded && !ctx.stopped())
      refuse_body(408, errc::deadline_exceeded, "the request body has not come in time");
    if (ec == asio::error::eof) refuse_body(400, errc::bad_request, "the request body is truncated");
    fail(ec, "exchange::body");
  }
  body_taken_ = true;
  co_return std::move(body_);
}

task<bool> exchange_state::skip_body(const context& ctx) {
  // Past this much it is cheaper for both sides to connect anew.
  constexpr std::size_t most = 256 * 1024;
  const bool withheld = protocol::has_token(request_->fields, "Expect", "100-continue") && !continued_;
  if (parser.done()) co_return true;
  // Whether a client that was never told to continue sends its body after our answer is for it to choose.
  if (withheld || parser.body().length.value_or(0) > most) co_return false;
  std::size_t skipped = 0;
  while (skipped <= most) {
    body_.clear();
    const auto p = parser.decode(wire_->input(), body_);
    wire_->consume(p.used);
    skipped += p.used;
    if (p.malformed || parser.done()) co_return !p.malformed;
    if (p.used != 0 && !wire_->input().empty()) continue;
    if (wire_->input().size() > longest_chunk_header) co_return false;
    const error_code ec = co_await wire_->fill(ctx);
    if (ec) co_return false;
  }
  co_return false;
}

void exchange_state::check_whole() const {
  if (phase_ == phase::broken) throw system_error(errc::closed, "exchange: the answer has broken off");
}

void exchange_state::check_open() const {
  check_whole();
  require(phase_ == phase::open, "there is an answer already");
}

void exchange_state::check_answer(const response& r) const {
  check_open();
  if (r.status() < 200 || r.status() > 599) throw std::invalid_argument("coax::exchange: a status outside 200-599");
  if (r.headers().contains("Transfer-Encoding"))
    throw std::invalid_argument("coax::exchange: Transfer-Encoding is set by the server");
}

bool exchange_state::closes(const response& r) const {
  return protocol::iequals(r.headers().get("Connection"), "close");
}

http::client_identity exchange_state::client() const {
  auto peer = http::identity_of(lower().remote_endpoint(), lower().secure());
  if (!site || !site->options.forwarders()) return peer;
  return http::forwarded_client(std::move(peer), request_->fields, site->options.forwarded(),
                                *site->options.forwarders());
}

// What the server has to say by itself: the cookie that keeps the client here. What shared caches keep goes to others
// as well.
headers exchange_state::own_fields(const response& r) const {
  headers fields;
  if (!site || !site->options.affinity()) return fields;
  for (const auto& field : r.headers())
    if (protocol::iequals(field.name, "Cache-Control") &&
        protocol::lower_case(field.value).find("public") != std::string::npos)
      return fields;
  std::string cookies;
  for (const auto& field : request_->fields)
    if (protocol::iequals(field.name, "Cookie")) cookies.append(cookies.empty() ? "" : "; ").append(field.value);
  if (const auto value = site->options.affinity()->set_cookie(cookies, client().secure))
    fields.add("Set-Cookie", *value);
  return fields;
}

std::string exchange_state::head_for(const response& r, const answer_frame& f) const {
  return http::make_head(r, f, own_fields(r));
}

answer_frame exchange_state::frame_for(const response& r, framing how, std::uint64_t length) {
  if (closes(r) || !http::wants_keep_alive(*request_) || how == framing::until_end) keep_alive_ = false;
  answer_frame f;
  f.how = http::bodiless(r.status()) ? framing::none : how;
  f.length = length;
  f.keep_alive = keep_alive_;
  f.request_version = request_->version;
  return f;
}

// Sends; after a failure in mid-answer nothing but cutting the connection is left.
task<> exchange_state::put(std::string_view head, std::string_view body, context ctx) {
  const busy guard(writing_, "a write of the answer");
  error_code ec = ctx.stopped();
  if (ec && phase_ == phase::open) throw system_error(ec, "exchange: answer");
  const auto before = phase_;
  phase_ = phase::broken;
  if (!ec) ec = co_await wire_->write(head, body, ctx);
  if (ec) fail(ec, "exchange: answer");
  phase_ = before == phase::open ? phase::streaming : before;
}

task<> exchange_state::respond(response answer, context ctx) {
  check_answer(answer);
  const auto frame = frame_for(answer, framing::length, answer.body().size());
  const auto head = head_for(answer, frame);
  const bool with_body = !head_only() && frame.how == framing::length;
  co_await put(head, with_body ? std::string_view(answer.body()) : std::string_view(), std::move(ctx));
  phase_ = phase::done;
}

task<> exchange_state::refuse(response answer, std::string why, context ctx) {
  handshake_error error(why, answer.status(), answer.headers(), answer.body());
  co_await respond(std::move(answer), std::move(ctx));
  throw error;
}

task<> exchange_state::start_with_length(response head, std::uint64_t length, context ctx) {
  check_answer(head);
  co_await begin(head, frame_for(head, framing::length, length), {}, std::move(ctx));
}

task<> exchange_state::start(response head, context ctx) {
  check_answer(head);
  const auto length = announced_length(head);
  const auto how = length ? framing::length : request_->version >= 11 ? framing::chunked : framing::until_end;
  co_await begin(head, frame_for(head, how, length.value_or(0)), head.body(), std::move(ctx));
}

task<> exchange_state::begin(const response& r, answer_frame frame, std::string_view body, context ctx) {
  frame_ = frame;
  const auto head = head_for(r, frame);
  co_await put(head, {}, ctx);
  if (!body.empty()) co_await send(body, ctx);
}

task<> exchange_state::send(std::string_view chunk, context ctx) {
  check_whole();
  require(phase_ == phase::streaming, "send without start");
  if (chunk.empty()) co_return;
  if (frame_.how == framing::length) require(chunk.size() <= frame_.length - sent_, "more than Content-Length");
  sent_ += chunk.size();
  if (head_only() || frame_.how == framing::none) co_return;
  std::string framed;
  if (frame_.how == framing::chunked) {
    // Copied, to leave in one piece with its frame.
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, chunk.size(), 16).ptr;
    framed.reserve(chunk.size() + 20);
    framed.append(digits, end).append("\r\n").append(chunk).append("\r\n");
    chunk = framed;
  }
  co_await put({}, chunk, std::move(ctx));
}

task<> exchange_state::finish(context ctx) {
  if (phase_ == phase::done) co_return;
  check_whole();
  require(phase_ == phase::streaming, "finish without start");
  if (head_only() || frame_.how == framing::none) {
    phase_ = phase::done;
    co_return;
  }
  if (frame_.how == framing::length && sent_ != frame_.length) {
    phase_ = phase::broken;
    throw std::logic_error("coax::exchange: less than Content-Length was sent");
  }
  if (frame_.how == framing::chunked) co_await put({}, "0\r\n\r\n", std::move(ctx));
  phase_ = phase::done;
}

std::optional<response> exchange_state::reserve() {
  if (!site || slot_) return std::nullopt;
  slot_ = site->take_stream_slot();
  if (slot_) return std::nullopt;
  end_after_answer();
  return site->busy();
}

task<error_code> exchange_state::upgrade(const response& head, framing how, const context& ctx) {
  check_open();
  const busy guard(writing_, "a write of the answer");
  answer_frame frame;
  frame.how = how;
  frame.keep_alive = how == framing::none;
  const auto text = head_for(head, frame);
  phase_ = phase::broken;
  const error_code ec = co_await wire_->write(text, {}, ctx);
  note(ec);
  co_return ec;
}

void exchange_state::upgraded(std::shared_ptr<successor> s) {
  successor_ = std::move(s);
  phase_ = phase::upgraded;
  // An idle successor keeps the request for its handler, and nothing of HTTP besides.
  wire_.reset();
  parser.reset();
  body_taken_ = true;
  if (on_upgrade) on_upgrade(successor_, std::move(slot_));
}

const transport& exchange_state::lower() const noexcept { return successor_ ? successor_->lower() : wire_->lower(); }

}  // namespace coax::detail
