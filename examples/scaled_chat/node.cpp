/// A node of the chat: any number of them share a Redis, behind a load balancer that keeps each page at its node.
///
///     examples/scaled_chat/run                                  starts it all
///     scaled_chat --name n1 --port 8081 --redis redis://127.0.0.1:6379 --secret "the same one on all nodes"
///     scaled_chat --haproxy 127.0.0.1:8080 n1=127.0.0.1:8081 n2=127.0.0.1:8082      the configuration of HAProxy
#include "../arguments.hpp"
#include "../chat/guests.hpp"
#include "roster.hpp"
#include "status.hpp"
#include <coax/affinity.hpp>
#include <coax/balancer.hpp>
#include <coax/metrics.hpp>
#include <coax/redis_broker.hpp>
#include <coax/server.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

using namespace std::chrono_literals;

namespace {

constexpr auto usage = R"(usage: scaled_chat --name NAME --secret TEXT [options]
       scaled_chat --haproxy HOST:PORT NAME=HOST:PORT...
  --name NAME      of this node, unique and stable
  --secret TEXT    signs cookies and what pages come back with; the same for all nodes
  --redis URL      where the topics live                     (redis://127.0.0.1:6379)
  --host HOST      address to listen on                      (127.0.0.1)
  --port PORT      port to listen on, 0 for any free one     (0)
  --lead MS        milliseconds for HAProxy to notice that the node takes its leave     (2500)
  --drain S        seconds over which guests are then sent to the others     (2)
  --chat DIR       the folder of the chat's page
  --status DIR     the folder of the status page
)";

int print_haproxy_config(const example::arguments& args) {
  std::vector<coax::balanced_node> nodes;
  for (const auto& each : args.rest()) {
    const auto equals = each.find('=');
    if (equals == std::string::npos) args.fail("NAME=HOST:PORT, not '" + each + "'");
    nodes.emplace_back(each.substr(0, equals), each.substr(equals + 1));
  }
  std::cout << coax::haproxy_config(nodes, coax::balancer_options().listen(args["haproxy"]));
  return 0;
}

/// The broker's own thread; it ends when the broker has.
class broker_thread {
 public:
  broker_thread() : work_(ioc_.get_executor()), thread_([this] { ioc_.run(); }) {}
  broker_thread(const broker_thread&) = delete;
  broker_thread& operator=(const broker_thread&) = delete;
  ~broker_thread() {
    work_.reset();
    thread_.join();
  }
  boost::asio::any_io_executor executor() { return ioc_.get_executor(); }
  /// What is made there is also destroyed there.
  template <class F>
  void run(F f) {
    std::promise<void> done;
    boost::asio::post(ioc_, [&] {
      f();
      done.set_value();
    });
    done.get_future().get();
  }

 private:
  boost::asio::io_context ioc_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

int serve(const example::arguments& args) {
  const auto& name = args["name"];
  const coax::signing_keys keys({args["secret"]});
  const auto complain = [&name](coax::log_level, std::string_view text) {
    std::cerr << name << ": " << std::string(text) + "\n";
  };

  broker_thread thread;
  std::atomic<std::size_t> guests{0};
  const auto broker_options = coax::redis_broker_options()
                                  .node(name, std::to_string(getpid()))
                                  .connections([&guests] { return guests.load(); })
                                  .lease(1s, 4s);
  auto broker = std::make_shared<coax::redis_broker>(thread.executor(), args["redis"], broker_options);
  chat c(coax::hub_options().broker(broker).resume(coax::resume_options(keys)), name);
  const auto end_there = [&thread](auto* what) { thread.run([what] { delete what; }); };
  std::unique_ptr<roster, decltype(end_there)> others(nullptr, end_there);
  std::unique_ptr<site_status, decltype(end_there)> status(nullptr, end_there);
  thread.run([&] {
    others.reset(new roster(thread.executor(), c, *broker));
    status.reset(new site_status(thread.executor(), c, *broker, *others));
  });

  const std::chrono::seconds window(args.number("drain"));
  const std::chrono::milliseconds lead(args.number("lead"));
  const auto say_goodbye = [&c, &name, window, lead]() -> coax::task<> {
    const auto how = coax::drain_options().lead(lead).over(window).limit(window + 3s).retry(500ms);
    const auto report = co_await c.hub().drain(how);
    std::cout << name << ": " << report.flushed << " of " << report.peers << " guests have heard all" << std::endl;
  };
  const auto announce = [&name](std::string_view endpoint) {
    std::cout << name << ": http://" << endpoint << "/ is process " << getpid() << std::endl;
  };
  coax::server server(coax::server_options()
                          .threads(1)
                          .affinity(coax::affinity(name, keys))
                          .trusted_proxies({"127.0.0.0/8"})
                          .drain_timeout(3s)
                          .on_listening(announce)
                          .on_stop(say_goodbye)
                          .log(complain));
  server.files("/", args["chat"]);
  server.files("/status", args["status"]);
  server.get("/status.json", [&status](coax::exchange& x, coax::context ctx) -> coax::task<> {
    co_await x.respond(200, "application/json", status->to_json(), ctx);
  });
  server.get("/ws", [&c, &guests](coax::exchange& x, coax::context ctx) -> coax::task<> {
    struct counted {
      std::atomic<std::size_t>& n;
      explicit counted(std::atomic<std::size_t>& all) : n(all) { ++n; }
      ~counted() { --n; }
    } here(guests);
    co_await serve_guest(c, x, ctx);
  });
  server.get("/livez", coax::livez());
  server.get("/readyz", coax::readyz(c.hub()));
  server.get("/metrics", [&c](coax::exchange& x, coax::context ctx) -> coax::task<> {
    co_await x.respond(200, std::string(coax::prometheus_type), coax::prometheus_text(c.hub().stats()), ctx);
  });
  server.run(args["host"] + ":" + args["port"]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const example::arguments args(argc, argv, usage,
                                {{"name", ""},
                                 {"secret", ""},
                                 {"redis", "redis://127.0.0.1:6379"},
                                 {"host", "127.0.0.1"},
                                 {"port", "0"},
                                 {"lead", "2500"},
                                 {"drain", "2"},
                                 {"haproxy", ""},
                                 {"chat", COAX_CHAT_WWW},
                                 {"status", COAX_STATUS_WWW}});
  try {
    return args.given("haproxy") ? print_haproxy_config(args) : serve(args);
  } catch (const std::exception& e) {
    std::cerr << "scaled_chat: " << e.what() << "\n";
    return 1;
  }
}
