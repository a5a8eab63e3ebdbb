#include "guests.hpp"

#include <coax/accept.hpp>

#include <algorithm>
#include <stdexcept>

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t longest_name = 32;  // code points
constexpr std::size_t longest_text = 2000;
constexpr std::size_t read_limit = 64 * 1024;

/// What the protocol does not allow: the connection is closed with 1008.
struct violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a person can put right: answered with an error.
struct refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string_view field(const json::object& message, std::string_view name) {
  const auto* value = message.if_contains(name);
  if (!value || !value->is_string()) throw violation("missing: " + std::string(name));
  return value->get_string();
}

std::string limited(const json::object& message, std::string_view name, std::size_t longest) {
  const auto text = field(message, name);
  if (text.empty()) throw refusal("The " + std::string(name) + " is empty.");
  if (code_points(text) > longest)
    throw refusal("The " + std::string(name) + " is longer than " + std::to_string(longest) + " characters.");
  return std::string(text);
}

json::object parse(const coax::message& m) {
  boost::system::error_code ec;
  const auto value = json::parse(m.text(), ec);
  if (!m.is_text() || ec || !value.is_object()) throw violation("not a JSON object");
  return value.get_object();
}

void act(chat& c, guest& g, const json::object& message) {
  const auto type = field(message, "type");
  if (g.has_entered() == (type == "hello")) throw violation("hello comes first, and once");
  if (type == "hello")
    c.enter(g, limited(message, "name", longest_name), limited(message, "room", longest_name));
  else if (type == "join")
    c.move(g, limited(message, "room", longest_name));
  else if (type == "rename")
    c.rename(g, limited(message, "name", longest_name));
  else if (type == "say")
    c.say(g, limited(message, "text", longest_text));
  else
    throw violation("unknown type");
}

/// False if the guest has to go.
bool take(chat& c, guest& g, const coax::message& m) {
  try {
    act(c, g, parse(m));
  } catch (const refusal& r) {
    g.tell({{"type", "error"}, {"message", r.what()}});
  } catch (const violation& v) {
    g.peer().start_close(coax::status::policy_violation, v.what());
    return false;
  }
  return true;
}

}  // namespace

coax::task<> serve_guest(chat& c, coax::exchange& x, coax::context ctx) {
  const auto options =
      coax::accept_options().subprotocol("coax.resume.v1").require_subprotocol(true).read_limit(read_limit);
  auto connection = co_await coax::accept(x, options, ctx);
  try {
    auto resume = co_await connection.next(ctx.with_timeout(10s));
    if (!resume) co_return;
    // Nobody signs in here: a page is whoever it says.
    guest g(c, std::move(connection), x.query("guest").value_or(std::string()), std::string(resume->text()));
    // Without the context: when the server drains it closes the connection, and that ends the loop.
    while (auto m = co_await g.peer().next())
      if (!take(c, g, *m)) break;
  } catch (const coax::system_error&) {
    // Gone without a farewell, or too slow: for the others it makes no difference.
  }
}
