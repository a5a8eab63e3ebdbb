// Follows a stream of prices, or of any messages, and connects again whenever it breaks off.

#include "arguments.hpp"
#include <coax/dial.hpp>
#include <coax/json.hpp>
#include <coax/stop_on_signal.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include <random>

constexpr auto usage = R"(usage: ticker_client [options] URL
  URL                ws:// or wss://, such as wss://stream.example.com/ws/btcusdt@trade
  --send TEXT        a message to send after connecting, such as a subscription; may be repeated
  --field NAME       print this field of each JSON message, not the whole; may be repeated, a.b goes into objects
  --count N          end after so many messages; 0: never                   (0)
  --max-delay MS     the longest wait before connecting again               (30000)
  --ca-file FILE     authorities to trust for wss, in PEM
Messages go to standard output, a line each; what happens to the connection is told on standard error. The exit code is
1 if the server refuses for good (a status of 400 to 499).
)";

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Doubles from one failure to the next. Each wait is a random part of it, so that a server that comes back is not met
// by all its clients at once.
class back_off {
 public:
  explicit back_off(std::chrono::milliseconds longest) : longest_(longest) {}

  void succeeded() { next_ = first; }
  std::chrono::milliseconds wait() {
    const auto span = std::min(next_, longest_);
    next_ = std::min(2 * next_, longest_);
    return std::chrono::milliseconds(
        std::uniform_int_distribution<std::int64_t>(span.count() / 2, span.count())(random_));
  }

 private:
  static constexpr std::chrono::milliseconds first = 500ms;

  std::chrono::milliseconds longest_;
  std::chrono::milliseconds next_ = first;
  std::minstd_rand random_{std::random_device{}()};
};

struct ticker {
  explicit ticker(const example::arguments& args)
      : url(args.rest()[0]),
        greetings(args.all("send")),
        fields(args.all("field")),
        count(args.number("count")),
        delay(std::chrono::milliseconds(args.number("max-delay"))) {
    options.keepalive(20s).read_limit(1024 * 1024);
    if (!args["ca-file"].empty()) options.ca_file(args["ca-file"]);
  }

  std::string url;
  coax::dial_options options;
  std::vector<std::string> greetings, fields;
  unsigned long count;
  unsigned long seen = 0;
  back_off delay;
};

void tell(const std::string& what) { std::cerr << "ticker_client: " + what + "\n" << std::flush; }

// The value at a path as "trade.price"; null if there is none.
const boost::json::value* find(const boost::json::value& v, std::string_view path) {
  const auto dot = path.find('.');
  const auto* object = v.if_object();
  const auto* found = object ? object->if_contains(path.substr(0, dot)) : nullptr;
  return found && dot != path.npos ? find(*found, path.substr(dot + 1)) : found;
}

std::string line(const ticker& t, const coax::message& m) {
  if (t.fields.empty()) return m.is_text() ? m.str() : "(" + std::to_string(m.size()) + " bytes)";
  const auto value = coax::json_codec().decode<boost::json::value>(m);
  std::string text;
  for (const auto& name : t.fields) {
    const auto* found = find(value, name);
    if (!text.empty()) text += ' ';
    if (!found)
      text += '-';
    else if (found->is_string())
      text += std::string_view(found->get_string());
    else
      text += boost::json::serialize(*found);
  }
  return text;
}

bool enough(const ticker& t) { return t.count != 0 && t.seen >= t.count; }

coax::task<> follow(ticker& t, coax::context ctx) {
  coax::conn c = co_await coax::dial(t.url, t.options, ctx);
  tell("connected");
  for (const auto& text : t.greetings) co_await c.write_text(text, ctx);
  while (!enough(t)) {
    const auto m = co_await c.try_read(ctx);
    if (!m && ctx.stopped()) break;
    if (!m) {
      const auto end = c.closed();
      tell(coax::close_error(end.status, end.reason, end.clean, end.error).what());
      co_return;
    }
    t.delay.succeeded();
    ++t.seen;
    try {
      std::cout << line(t, *m) << std::endl;
    } catch (const std::exception& e) {
      tell(std::string("a message of another kind: ") + e.what());
    }
  }
  co_await c.close();
}

// Whether it is worth to try again; a server that refuses the request will not have it later either, except when it was
// only too much or too slow.
bool passing(const coax::handshake_error& e) {
  const auto status = e.status();
  return status < 400 || status > 499 || status == 408 || status == 429;
}

coax::task<> run(ticker& t, coax::context ctx) {
  const auto ex = co_await asio::this_coro::executor;
  while (!enough(t) && !ctx.stopped()) {
    try {
      co_await follow(t, ctx);
    } catch (const coax::handshake_error& e) {
      if (!passing(e)) throw;
      tell(e.what());
    } catch (const coax::system_error& e) {
      if (e.code() == coax::errc::bad_url) throw;
      if (!ctx.stopped()) tell(e.what());
    }
    if (enough(t) || ctx.stopped()) co_return;

    const auto wait = t.delay.wait();
    tell("connecting again in " + std::to_string(wait.count()) + " ms");
    const auto timer = std::make_shared<asio::steady_timer>(ex, wait);
    auto cut_short = [timer, ex] { asio::post(ex, [timer] { timer->cancel(); }); };
    std::stop_callback link(ctx.stop_token(), std::move(cut_short));
    co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const example::arguments args(argc, argv, usage,
                                {{"send", ""}, {"field", ""}, {"count", "0"}, {"max-delay", "30000"}, {"ca-file", ""}});
  if (args.rest().size() != 1) args.fail("one URL is needed");
  ticker t(args);
  int exit_code = 0;
  asio::io_context io(1);
  coax::stop_on_signal stop(io.get_executor());
  auto ended = [&](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& e) {
      tell(e.what());
      exit_code = 1;
    }
    io.stop();
  };
  asio::co_spawn(
      io, [&] { return run(t, stop); }, ended);
  io.run();
  return exit_code;
}
