// Load for a server of the benchmark, on one thread with plain epoll, and what it costs that server.
//
// Every echo must be the message, byte for byte. Prints one line of JSON about a window behind a warm-up: messages
// echoed (or connections that came and went), seconds, CPU time of the server's process in nanoseconds, and the share
// of the time that this program was idle. A share near 0 says that the load, not the server, was the limit.
#include "churn.hpp"
#include "echo_load.hpp"
#include "posix.hpp"

#include <sys/resource.h>

#include <iostream>
#include <map>
#include <string>

namespace {

using namespace bench;

constexpr std::string_view usage = R"(usage: load --port PORT [options]
  --mode MODE         echo, churn (connect, one echo, close), hold (open all, one echo each, wait for
                      the end of standard input)                                      (echo)
  --connections N     side by side                                                    (64)
  --in-flight N       messages a connection                                           (1)
  --size N            bytes of a message                                              (64)
  --kind KIND         binary, text or json                                            (binary)
  --deflate MODE      off, takeover or no-takeover                                    (off)
  --tls 0|1           over TLS                                                        (0)
  --framed 0|1        0: bare bytes, no WebSocket                                     (1)
  --seconds N         of the window                                                   (3)
  --messages N        this many messages and no more, without a warm-up; 0: no bound  (0)
  --server-pid PID    whose CPU time to take
)";

class arguments {
 public:
  arguments(int argc, char** argv) {
    if (argc % 2 == 0) throw std::invalid_argument("an option without a value");
    for (int i = 1; i < argc; i += 2) {
      if (!values_.contains(argv[i])) throw std::invalid_argument("unknown option: " + std::string(argv[i]));
      values_[argv[i]] = argv[i + 1];
    }
    if (number("--port") == 0) throw std::invalid_argument("--port must be given");
  }
  const std::string& operator[](const std::string& name) const { return values_.at(name); }
  std::size_t number(const std::string& name) const { return std::stoull(values_.at(name)); }

  template <class Enum>
  Enum one_of(const std::string& name, const std::map<std::string, Enum>& choices) const {
    const auto found = choices.find(values_.at(name));
    if (found == choices.end()) throw std::invalid_argument(name + " " + values_.at(name));
    return found->second;
  }

 private:
  std::map<std::string, std::string> values_{
      {"--port", "0"},   {"--mode", "echo"},   {"--connections", "64"}, {"--in-flight", "1"},
      {"--size", "64"},  {"--kind", "binary"}, {"--deflate", "off"},    {"--tls", "0"},
      {"--framed", "1"}, {"--seconds", "3"},   {"--messages", "0"},     {"--server-pid", "0"},
  };
};

traffic_options what(const arguments& a) {
  traffic_options o;
  o.kind = a.one_of<payload_kind>(
      "--kind", {{"binary", payload_kind::binary}, {"text", payload_kind::text}, {"json", payload_kind::json}});
  o.compression = a.one_of<compressed>(
      "--deflate",
      {{"off", compressed::off}, {"takeover", compressed::takeover}, {"no-takeover", compressed::no_takeover}});
  o.size = a.number("--size");
  o.in_flight = a.number("--in-flight");
  o.framed = a.number("--framed") != 0;
  if (o.size == 0 || o.in_flight == 0) throw std::invalid_argument("--size and --in-flight must be positive");
  return o;
}

void report(const arguments& a, auto&& run) {
  const auto pid = static_cast<pid_t>(a.number("--server-pid"));
  const auto server = pid == 0 ? CLOCK_PROCESS_CPUTIME_ID : cpu_clock(pid);
  const auto start = steady::now();
  const double own_before = cpu_ns(CLOCK_PROCESS_CPUTIME_ID), server_before = cpu_ns(server);
  const std::uint64_t done = run(start + std::chrono::seconds(a.number("--seconds")));
  const double server_cpu = pid == 0 ? 0 : cpu_ns(server) - server_before;
  const double own_cpu = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - own_before;
  const std::chrono::duration<double> took = steady::now() - start;
  if (done == 0) throw std::runtime_error("nothing came back");
  std::cout << "{\"messages\": " << done << ", \"seconds\": " << took.count()
            << ", \"server_cpu_ns\": " << static_cast<std::uint64_t>(server_cpu)
            << ", \"idle\": " << std::max(0.0, 1.0 - own_cpu * 1e-9 / took.count()) << "}" << std::endl;
}

void run(const arguments& a) {
  const traffic t(what(a));
  const auto port = static_cast<std::uint16_t>(a.number("--port"));
  const auto connections = a.number("--connections");
  if (a["--mode"] == "churn") {
    churn(t, connections, port, steady::now() + std::chrono::milliseconds(200));
    return report(a, [&](auto end) { return churn(t, connections, port, end); });
  }
  const auto context = a.number("--tls") != 0 ? make_ssl_context() : ssl_context(nullptr, SSL_CTX_free);
  echo_load load(t, connections, port, context.get());
  if (a["--mode"] == "hold") {
    load.once();
    std::cout << "{\"connections\": " << connections << "}" << std::endl;
    std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  } else if (a["--mode"] != "echo") {
    throw std::invalid_argument("--mode " + a["--mode"]);
  } else if (const auto messages = a.number("--messages")) {
    // The last to come leave a few in flight, the same number at each run.
    report(a, [&](auto) { return load.run(steady::now() + std::chrono::minutes(10), messages); });
  } else {
    load.run(steady::now() + std::chrono::milliseconds(500));
    report(a, [&](auto end) { return load.run(end); });
  }
}

}  // namespace

int main(int argc, char** argv) try {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  run(arguments(argc, argv));
} catch (const std::invalid_argument& e) {
  std::cerr << "load: " << e.what() << '\n' << usage;
  return 2;
} catch (const std::exception& e) {
  std::cerr << "load: " << e.what() << '\n';
  return 1;
}
