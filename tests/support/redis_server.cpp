#include "support/redis_server.hpp"

#include "protocol/resp.hpp"
#include "support/certificates.hpp"
#include "support/run.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace coax::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

constexpr auto answer_limit = 10s;

void flatten(const protocol::resp_value& v, std::string& to) {
  if (!v.is_aggregate()) {
    if (!to.empty()) to += '\n';
    if (v.is_integer())
      to += std::to_string(*v.integer());
    else
      to += v.text();
    return;
  }
  for (const auto& element : v) flatten(element, to);
}

// Blocking, with a limit that the kernel keeps.
class plain_connection {
 public:
  explicit plain_connection(std::uint16_t port) : socket_(ioc_) {
    socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
    const timeval limit{std::chrono::duration_cast<std::chrono::seconds>(answer_limit).count(), 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }

  std::string ask(const std::vector<std::string>& command) {
    std::string bytes;
    protocol::append_array_head(bytes, command.size());
    for (const auto& argument : command) protocol::append_bulk(bytes, argument);
    asio::write(socket_, asio::buffer(bytes));
    for (;;) {
      if (const auto v = parser_.next()) {
        if (v->is_error()) throw std::runtime_error(command.front() + ": " + std::string(v->text()));
        std::string text;
        flatten(*v, text);
        return text;
      }
      const auto room = parser_.prepare(4096);
      const auto n = ::recv(socket_.native_handle(), room.data(), room.size(), 0);
      if (n <= 0) throw std::runtime_error(command.front() + ": no answer");
      parser_.commit(static_cast<std::size_t>(n));
    }
  }

 private:
  asio::io_context ioc_;
  tcp::socket socket_;
  protocol::resp_parser parser_;
};

pid_t spawn(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const auto& a : command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == -1) throw std::runtime_error("fork failed");
  if (child == 0) {
    // It is not to outlive a test that crashes.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  return child;
}

std::string replace_all(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void await_replication(const redis_server& replica) {
  const auto in_step = [&] {
    return replica.ask({"INFO", "replication"}).find("master_link_status:up") != std::string::npos;
  };
  eventually(in_step, "the replica is in step");
}

std::string redis_program() {
  const char* chosen = std::getenv("COAX_REDIS_SERVER");
  return chosen ? chosen : "redis-server";
}

}  // namespace

bool has_redis() {
  static const bool found = std::system(("command -v " + redis_program() + " >/dev/null 2>&1").c_str()) == 0;
  return found;
}

// Not of those that the kernel gives to whoever asks for any: while its server is down nobody gets it, and who connects
// to it does not end at himself.
std::uint16_t free_port() {
  unsigned first_given = 32768, last_given = 60999, first = 1024, last = 65535;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first_given >> last_given;
  constexpr unsigned enough = 1000;
  if (first_given > first + enough)
    last = first_given - 1;
  else if (last_given < last - enough)
    first = last_given + 1;
  static std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<std::uint16_t> any(static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last));
  asio::io_context ioc;
  for (;;) {
    const tcp::endpoint at(asio::ip::address_v4::loopback(), any(random));
    tcp::acceptor a(ioc, at.protocol());
    error_code ec;
    a.bind(at, ec);
    if (!ec) return at.port();
  }
}

void eventually(const std::function<bool()>& condition, const std::string& what) {
  // A question takes a port, which is gone for a minute.
  wait_until(condition, what, 10ms);
}

redis_server::redis_server(std::vector<std::string> arguments) : redis_server(std::move(arguments), 0, {}) {}

redis_server::redis_server(std::vector<std::string> arguments, std::uint16_t tls_port, std::string config)
    : arguments_(std::move(arguments)), tls_port_(tls_port), config_(std::move(config)) {
  for (auto& a : arguments_) a = replace_all(std::move(a), "{dir}", dir_.path().string());
  // Somebody else may have taken the port meanwhile.
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    if (try_start()) return;
  }
  throw std::runtime_error(redis_program() + " does not start; is it installed?");
}

redis_server::~redis_server() { kill(); }

std::unique_ptr<redis_server> redis_server::with_tls() {
  const auto port = free_port();
  std::unique_ptr<redis_server> s(
      new redis_server({"--tls-port", std::to_string(port), "--tls-cert-file", "{dir}/cert.pem", "--tls-key-file",
                        "{dir}/key.pem", "--tls-ca-cert-file", "{dir}/ca.pem", "--tls-auth-clients", "no"},
                       port, {}));
  return s;
}

std::unique_ptr<redis_server> redis_server::sentinel(const redis_server& master, unsigned quorum,
                                                     std::chrono::milliseconds down_after) {
  const auto monitor = "sentinel monitor mymaster 127.0.0.1 " + std::to_string(master.port()) + " " +
                       std::to_string(quorum) + "\nsentinel down-after-milliseconds mymaster " +
                       std::to_string(down_after.count()) + "\nsentinel failover-timeout mymaster " +
                       std::to_string(2 * down_after.count()) + "\n";
  return std::unique_ptr<redis_server>(new redis_server({"--sentinel"}, 0, monitor));
}

bool redis_server::try_start() {
  if (tls_port_ != 0) {
    dir_.write("cert.pem", localhost_certificate().pem);
    dir_.write("key.pem", localhost_certificate().key);
    dir_.write("ca.pem", authority().pem);
  }
  std::vector<std::string> command{redis_program()};
  if (!config_.empty()) command.push_back(dir_.write("redis.conf", "port " + std::to_string(port_) + "\n" + config_));
  const std::vector<std::string> more{"--port",
                                      std::to_string(port_),
                                      "--bind",
                                      "127.0.0.1",
                                      "--dir",
                                      dir_.path().string(),
                                      "--logfile",
                                      (dir_.path() / "redis.log").string(),
                                      "--daemonize",
                                      "no",
                                      "--protected-mode",
                                      "no"};
  command.insert(command.end(), more.begin(), more.end());
  if (config_.empty())
    command.insert(command.end(), {"--save", "", "--unixsocket", socket_path(), "--repl-diskless-sync-delay", "0"});
  command.insert(command.end(), arguments_.begin(), arguments_.end());
  pid_ = spawn(command);
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < end) {
    if (answers()) return true;
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
    std::this_thread::sleep_for(5ms);
  }
  kill();
  return false;
}

// Somebody else may listen there, who was quicker. Of a server with a password, a refusal has to do.
bool redis_server::answers() const {
  try {
    const auto info = plain_connection(port_).ask({"INFO"});
    return info.find("process_id:" + std::to_string(pid_) + "\r") != info.npos && info.find("\nloading:1") == info.npos;
  } catch (const std::exception& e) {
    const std::string what = e.what();
    return what.find("NOAUTH") != what.npos || what.find("NOPERM") != what.npos;
  }
}

std::string redis_server::ask(const std::vector<std::string>& command) const {
  plain_connection c(port_);
  if (!password_.empty()) c.ask({"AUTH", user_.empty() ? "default" : user_, password_});
  return c.ask(command);
}

void redis_server::freeze() const { ::kill(pid_, SIGSTOP); }
void redis_server::unfreeze() const { ::kill(pid_, SIGCONT); }

void redis_server::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

void redis_server::start() {
  if (!try_start()) throw std::runtime_error(redis_program() + " does not start again");
}

redis_sentinels::redis_sentinels(std::chrono::milliseconds down_after) {
  servers_.push_back(std::make_unique<redis_server>());
  servers_.push_back(std::make_unique<redis_server>(
      std::vector<std::string>{"--replicaof", "127.0.0.1 " + std::to_string(master().port())}));
  await_replication(replica());
  for (int i = 0; i < 3; ++i) sentinels_.push_back(redis_server::sentinel(master(), 2, down_after));
  const auto knows_all = [&](const redis_server& s) {
    const auto lines = lines_of(s.ask({"SENTINEL", "MASTER", "mymaster"}));
    const auto value = [&](const std::string& name) {
      const auto found = std::ranges::find(lines, name);
      return found == lines.end() || found + 1 == lines.end() ? std::string() : *(found + 1);
    };
    return value("num-other-sentinels") == "2" && value("num-slaves") == "1";
  };
  for (const auto& s : sentinels_) eventually([&] { return knows_all(*s); }, "the Sentinels know each other");
}

std::string redis_sentinels::url() const {
  std::string url = "redis://";
  for (const auto& s : sentinels_) url += (s == sentinels_.front() ? "" : ",") + s->address();
  return url + "?sentinel=mymaster";
}

std::string redis_sentinels::master_address() const {
  auto text = sentinels_.front()->ask({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"});
  std::ranges::replace(text, '\n', ':');
  return text;
}

redis_cluster::redis_cluster(unsigned masters, unsigned replicas) : masters_(masters) {
  const std::string timeout = replicas == 0 ? "10000" : "2000";
  for (unsigned i = 0; i < masters + replicas; ++i)
    nodes_.push_back(std::make_unique<redis_server>(std::vector<std::string>{
        "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", timeout,
        "--cluster-port", std::to_string(free_port()), "--cluster-replica-validity-factor", "0"}));
  for (unsigned i = 0; i < masters; ++i) {
    const auto first = i * 16384 / masters;
    const auto last = (i + 1) * 16384 / masters - 1;
    nodes_[i]->ask({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)});
    nodes_[i]->ask({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
  }
  const auto bus = lines_of(replace_all(nodes_[0]->ask({"CONFIG", "GET", "cluster-port"}), "\r", ""));
  const auto knows = [&](const redis_server& s, const std::string& what) {
    return s.ask({"CLUSTER", "INFO"}).find(what) != std::string::npos;
  };
  const auto all = "cluster_known_nodes:" + std::to_string(nodes_.size());
  const auto have_met = [&] { return std::ranges::all_of(nodes_, [&](const auto& n) { return knows(*n, all); }); };
  const auto meet = [&] {
    for (std::size_t i = 1; i < nodes_.size(); ++i)
      nodes_[i]->ask({"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[0]->port()), bus.at(1)});
    // Who is slow to answer is forgotten, and has to be met again.
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!have_met() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(10ms);
    return have_met();
  };
  eventually(meet, "the nodes of the Cluster have met");
  for (unsigned i = masters; i < nodes_.size(); ++i)
    nodes_[i]->ask({"CLUSTER", "REPLICATE", id((i - masters) % masters)});
  for (const auto& n : nodes_) eventually([&] { return knows(*n, "cluster_state:ok"); }, "the Cluster is fine");
  for (unsigned i = masters; i < nodes_.size(); ++i) await_replication(*nodes_[i]);
}

std::string redis_cluster::url() const {
  std::string url = "redis://";
  for (unsigned i = 0; i < masters_; ++i) url += (i == 0 ? "" : ",") + nodes_[i]->address();
  return url + "?cluster=1";
}

std::string redis_cluster::id(std::size_t i) const { return nodes_.at(i)->ask({"CLUSTER", "MYID"}); }

redis_cluster::owner redis_cluster::seen(std::uint16_t slot, std::size_t asked) const {
  // "id 127.0.0.1:port@bus flags master ping pong epoch state slots..."
  for (const auto& line : lines_of(nodes_.at(asked)->ask({"CLUSTER", "NODES"}))) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string w; in >> w;) words.push_back(w);
    for (std::size_t i = 8; i < words.size(); ++i) {
      unsigned first = 0, last = 0;
      const int n = std::sscanf(words[i].c_str(), "%u-%u", &first, &last);
      if (n < 1 || slot < first || slot > (n == 2 ? last : first)) continue;
      for (std::size_t k = 0; k < nodes_.size(); ++k)
        if (words[1].starts_with(nodes_[k]->address() + "@")) return {k, words[6]};
    }
  }
  throw std::runtime_error("nobody has the slot");
}

std::size_t redis_cluster::owner_of(std::uint16_t slot, std::size_t asked) const { return seen(slot, asked).node; }

void redis_cluster::begin_move(std::uint16_t slot, std::size_t from, std::size_t to) {
  // Who has not heard yet of the move before would take the slot in an older epoch, and lose it again by that news.
  const auto all_know = [&] {
    const auto now = seen(slot, from);
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (seen(slot, i) != now) return false;
    return now.node == from;
  };
  eventually(all_know, "all nodes know who has the slot");
  const auto s = std::to_string(slot);
  node(to).ask({"CLUSTER", "SETSLOT", s, "IMPORTING", id(from)});
  node(from).ask({"CLUSTER", "SETSLOT", s, "MIGRATING", id(to)});
}

void redis_cluster::move_keys(std::uint16_t slot, std::size_t from, std::size_t to) {
  for (;;) {
    const auto keys = lines_of(node(from).ask({"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), "100"}));
    if (keys.empty()) return;
    for (const auto& key : keys)
      node(from).ask({"MIGRATE", "127.0.0.1", std::to_string(node(to).port()), key, "0", "5000"});
  }
}

void redis_cluster::end_move(std::uint16_t slot, std::size_t from, std::size_t to) {
  const auto s = std::to_string(slot);
  const auto new_owner = id(to);
  node(to).ask({"CLUSTER", "SETSLOT", s, "NODE", new_owner});
  node(from).ask({"CLUSTER", "SETSLOT", s, "NODE", new_owner});
}

}  // namespace coax::test
